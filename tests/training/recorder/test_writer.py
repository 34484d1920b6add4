import csv
import shutil
import stat
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from training.datasets.own import OwnRecordings
from training.recorder.camera import Shot
from training.recorder.stream import Sample
from training.recorder.writer import CODECS, TakeCutOff, TakeExists, TakeWriter, beside, check_free

ORIGIN_S = 5000.25
TIMES_S = ORIGIN_S + np.array([0.0, 0.034, 0.066, 0.2, 0.233])
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)


def shots(format_name: str = "bgr24") -> list[Shot]:
    frames = [av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format=format_name) for picture in PICTURES]
    return [Shot(float(time_s), frame) for time_s, frame in zip(TIMES_S, frames, strict=True)]


def sample(time_s: float, value: int = 7) -> Sample:
    return Sample(ORIGIN_S + time_s, value, 1234, ORIGIN_S + time_s + 0.01)


def write(take: Path, codec: str = "ffv1", format_name: str = "bgr24") -> TakeWriter:
    taken = shots(format_name)
    with TakeWriter(take, codec, taken[0]) as writer:
        for shot in taken:
            writer.add_shot(shot)
        for index in range(100):
            writer.add_sample(sample(index / 100, index))
    return writer


def decoded(path: Path, format_name: str = "bgr24") -> tuple[list[float], NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = [(frame.time or 0.0, frame.to_ndarray(format=format_name)) for frame in container.decode(video=0)]
    return [time_s for time_s, _ in frames], np.stack([picture for _, picture in frames]).astype(np.uint8)


def test_pictures_and_their_times_come_back_as_they_were(tmp_path: Path) -> None:
    writer = write(tmp_path / "p01" / "1")
    times_s, pictures = decoded(tmp_path / "p01" / "1.mkv")
    assert times_s == pytest.approx(TIMES_S - ORIGIN_S, abs=0.00051)
    assert np.array_equal(pictures, PICTURES)
    assert (writer.frames, writer.samples) == (5, 100)


def test_a_cameras_yuv_is_kept_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "1", format_name="yuv422p")
    _, pictures = decoded(tmp_path / "1.mkv", "yuv422p")
    assert np.array_equal(pictures, [shot.picture.to_ndarray() for shot in shots("yuv422p")])


@pytest.mark.parametrize("format_name", ["bgr24", "yuv420p"])
def test_h264_is_near(tmp_path: Path, format_name: str) -> None:
    write(tmp_path / "1", codec="h264", format_name=format_name)
    times_s, pictures = decoded(tmp_path / "1.mkv")
    assert times_s == pytest.approx(TIMES_S - ORIGIN_S, abs=0.00051)
    expected = np.stack([shot.picture.to_ndarray(format="bgr24") for shot in shots("yuv420p")]).astype(int)
    assert abs(pictures.mean((1, 2)) - expected.mean((1, 2))).max() < 4


def test_the_samples_are_a_csv_on_the_videos_clock(tmp_path: Path) -> None:
    write(tmp_path / "1")
    rows = list(csv.DictReader((tmp_path / "1.csv").read_text().splitlines()))
    assert rows[50] == {"time_s": "0.500000", "ppg": "50", "board_us": "1234", "arrival_s": "0.510000"}
    assert len(rows) == 100


def test_the_reader_of_own_recordings_takes_it(tmp_path: Path) -> None:
    write(tmp_path / "p01" / "rest.1")
    (recording,) = OwnRecordings(tmp_path)
    assert (recording.subject, recording.name) == ("p01", "p01/rest.1")
    assert recording.pulse.rate_hz == pytest.approx(100)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_all_but_the_last_picture_is_there_before_the_end(tmp_path: Path, codec: str) -> None:
    taken = shots()
    with TakeWriter(tmp_path / "1", codec, taken[0]) as writer:
        for index, shot in enumerate(taken):
            writer.add_shot(shot)
            writer.add_sample(sample(index / 100))
        for suffix in (".mkv", ".csv"):
            shutil.copy(tmp_path / f"1{suffix}", tmp_path / f"crashed{suffix}")
    times_s, _ = decoded(tmp_path / "crashed.mkv")
    assert times_s == pytest.approx(TIMES_S[:-1] - ORIGIN_S, abs=0.00051)
    assert len((tmp_path / "crashed.csv").read_text().splitlines()) == 6


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".csv"])
def test_nothing_is_written_over(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"1{suffix}").write_text("here")
    with pytest.raises(TakeExists, match=f"1{suffix}"):
        check_free(tmp_path / "1")
    with pytest.raises(TakeExists):
        TakeWriter(tmp_path / "1", "ffv1", shots()[0])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["here"]


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    write(tmp_path / "p01" / "1")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"p01": 0o700, "1.mkv": 0o600, "1.csv": 0o600}


def test_pictures_of_another_size_or_without_a_time_are_left_out(tmp_path: Path) -> None:
    first, second, *_ = shots()
    small = Shot(second.time_s, second.picture.reformat(width=32, height=24))
    with TakeWriter(tmp_path / "1", "ffv1", first) as writer:
        assert [writer.add_shot(shot) for shot in (first, first, small, second)] == [True, False, False, True]
    assert writer.frames == 2
    assert len(decoded(tmp_path / "1.mkv")[0]) == 2


def test_a_dot_in_a_name_is_no_suffix(tmp_path: Path) -> None:
    assert beside(tmp_path / "rest.1", ".csv").name == "rest.1.csv"


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "p01").touch()
    with pytest.raises(TakeCutOff, match="what was written before is kept"):
        TakeWriter(tmp_path / "p01" / "1", "ffv1", shots()[0])
