import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.images import ImageFiles
from tests.service.pipeline.media import gradient
from tests.training.datasets.folders import ORIGIN_NS, heart, write_pure, write_pure_json
from training.datasets.errors import DatasetInvalid, FileMalformed, FilesMissing
from training.datasets.pure import Pure
from training.datasets.recording import Recording

# As a camera that drops a frame and trembles.
TIMES_S = np.delete(np.arange(180) / 30 + 0.003 * np.sin(np.arange(180)), 90)
TAKE = replace(heart(), times_s=TIMES_S, pictures=np.stack([gradient(i, 64, 64) for i in range(len(TIMES_S))]))
STAMPS = [ORIGIN_NS + round(1e9 * time_s) for time_s in TIMES_S]


def one(root: Path) -> Recording:
    (recording,) = Pure(root)
    return recording


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pure(tmp_path, "03-04", TAKE)


@pytest.mark.parametrize("archive", [False, True])
def test_pictures_have_the_times_in_their_names(tmp_path: Path, archive: bool) -> None:
    write_pure(tmp_path, "03-04", TAKE, archive=archive)
    recording = one(tmp_path)
    assert isinstance(recording.source, ImageFiles)
    np.testing.assert_allclose(recording.source.timestamps_s, TIMES_S - TIMES_S[0], atol=1e-9)
    assert [path.name for path in recording.source.paths] == [f"Image{stamp}.png" for stamp in STAMPS]
    assert (recording.subject, recording.name, recording.groups) == ("03", "03-04", {"motion": "fast translation"})


def test_the_frames_are_those_times(pictures: Path) -> None:
    with one(pictures.parents[1]).open() as reader:
        times_s = [frame.time_s for frame in reader.frames()]
    np.testing.assert_allclose(times_s, TIMES_S - TIMES_S[0], atol=1e-9)


def test_the_pulse_is_on_the_pictures_clock(pictures: Path) -> None:
    recording = one(pictures.parents[1])
    assert recording.pulse.rate_hz == pytest.approx(60, abs=0.1)
    assert recording.pulse.times_s[0] == pytest.approx(-0.03 - TIMES_S[0], abs=1e-6)
    truth = np.interp(recording.pulse.times_s + TIMES_S[0], TAKE.truth.times_s, TAKE.truth.ppg)
    assert np.corrcoef(recording.pulse.values, truth)[0, 1] > 0.99
    assert recording.heart_rate is not None
    assert set(recording.heart_rate.values) == {84}


def test_samples_without_a_finger_are_left_out(pictures: Path) -> None:
    write_pure_json(pictures.parent / "03-04.json", TAKE, STAMPS, without=slice(60, 120))
    pulse = one(pictures.parents[1]).pulse
    assert np.diff(pulse.times_s).max() == pytest.approx(61 / 60, abs=1e-3)


def test_a_few_lost_pictures_are_only_lost(pictures: Path) -> None:
    for stamp in STAMPS[10:13]:
        (pictures / f"Image{stamp}.png").unlink()
    source = one(pictures.parents[1]).source
    assert isinstance(source, ImageFiles)
    assert len(source.paths) == len(STAMPS) - 3


def test_half_of_the_pictures_is_a_half_folder(pictures: Path) -> None:
    for stamp in STAMPS[90:]:
        (pictures / f"Image{stamp}.png").unlink()
    with pytest.raises(FilesMissing, match=f"Image{STAMPS[90]}.png.* and 84 more"):
        one(pictures.parents[1])


def test_no_picture_at_all_is_named(pictures: Path) -> None:
    for path in pictures.iterdir():
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(FileMalformed, match="holds no picture") as caught:
        one(pictures.parents[1])
    assert caught.value.path == pictures


def test_missing_pulse_is_named(pictures: Path) -> None:
    (pictures.parent / "03-04.json").unlink()
    with pytest.raises(FilesMissing, match=r"missing: 03-04/03-04\.json"):
        one(pictures.parents[1])


def test_a_pulse_without_pictures_lacks_them(tmp_path: Path) -> None:
    write_pure_json(tmp_path / "01-01.json", TAKE, STAMPS)
    with pytest.raises(FilesMissing, match="missing: 01-01/01-01"):
        one(tmp_path)


@pytest.mark.parametrize(
    "facts",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"/FullPackage": [1, 2]}),
        json.dumps({"/FullPackage": [{"Timestamp": 1.5, "Value": {"waveform": 3}}]}),
        json.dumps({"/FullPackage": [{"Timestamp": 1, "Value": {"pulseRate": 3}}]}),
        json.dumps({"/FullPackage": []}),
    ],
    ids=["cut", "a list", "empty", "numbers", "a time in parts", "no wave", "no samples"],
)
def test_a_malformed_json_is_named(pictures: Path, facts: str) -> None:
    path = pictures.parent / "03-04.json"
    path.write_text(facts)
    with pytest.raises(FileMalformed) as caught:
        one(pictures.parents[1])
    assert caught.value.path == path


def test_what_is_not_here_is_known_by_name(pictures: Path) -> None:
    absent = Pure(pictures.parents[1]).absent()
    assert len(absent) == 58
    assert not {"03-04", "06-02"} & set(absent)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(DatasetInvalid, match="no recording of pure"):
        Pure(tmp_path)
