"""A recording from end to end: a board on a pseudo-terminal and a rendered face in the camera's place."""

import csv
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from facepulse import SourceUnavailable
from service.pipeline.decode import VideoReader
from service.pipeline.types import DecodeLimits
from tests.service.pipeline.media import Recipe, write_video
from tests.service.pipeline.renders import BPM, face_recipe
from tests.training.recorder.board import Faults, PtyBoard
from tests.training.videos import STORE, write_store
from training import prepare, reproduce, train
from training.clips import ClipFolder
from training.datasets.own import OwnRecordings
from training.datasets.recording import Series
from training.recorder.camera import FileCamera, LiveCamera
from training.recorder.recording import Moment, Recorder, SensorSilent, Tally
from training.recorder.sensor import Sensor
from training.recorder.writer import TakeExists
from training.synthesis.faces import AstronautFace
from training.synthesis.pulse_wave import Truth
from training.synthesis.render import render

SECONDS = 8.0
FAULTS = Faults(drift=2e-3, delay_s=0.02, lost=0.02, damaged=0.01, repeated=0.01)


@dataclass(frozen=True)
class Recorded:
    root: Path
    truth: Truth
    source: Path
    board: PtyBoard
    camera: FileCamera
    tally: Tally

    @property
    def take(self) -> Path:
        return self.root / "p01" / "rest"


def finger(truth: Truth, camera: FileCamera) -> Callable[[float], float]:
    """Return the pulse of the face that the camera's file shows, on time.monotonic()."""

    def wave(time_s: float) -> float:
        since_s = time_s - (camera.began_s or time_s)
        return 8000 + 1000 * float(np.interp(since_s, truth.times_s, truth.ppg))

    return wave


def columns(path: Path) -> dict[str, Series]:
    rows = list(csv.DictReader(path.read_text().splitlines()))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def frames_of(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        return [(frame.time or 0.0, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


def ignore(_: Moment) -> None: ...


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    recipe = face_recipe(duration_s=SECONDS, jitter=0.08, dropped=0.03)
    truth = render(recipe, AstronautFace(), folder / "face.mp4")
    camera = FileCamera(folder / "face.mp4")
    with PtyBoard(folder / "ttyACM0", finger(truth, camera), FAULTS, first_us=2**32 - 5_000_000) as board:
        recorder = Recorder(camera, Sensor(str(board.link)), folder / "own" / "p01" / "rest")
        tally = recorder.record(Event(), ignore)
    return Recorded(folder / "own", truth, folder / "face.mp4", board, camera, tally)


def test_every_frame_is_kept_with_its_time(recorded: Recorded) -> None:
    before, after = frames_of(recorded.source), frames_of(recorded.take.with_suffix(".mkv"))
    assert [picture for _, picture in after] == [picture for _, picture in before]
    assert [time_s for time_s, _ in after] == pytest.approx([time_s for time_s, _ in before], abs=0.001)


def test_every_sample_is_within_20_ms_of_the_frames_clock(recorded: Recorded) -> None:
    found = columns(recorded.take.with_suffix(".csv"))
    true_s = recorded.board.true_s(found["board_us"]) - (recorded.camera.began_s or 0.0)
    assert found["time_s"] == pytest.approx(true_s, abs=0.02)
    assert (found["time_s"][0], found["time_s"][-1]) == pytest.approx((-0.5, SECONDS), abs=0.6)


def test_the_counts_are_those_of_what_happened(recorded: Recorded) -> None:
    tally, missing = recorded.tally, round(SECONDS * 30) - len(frames_of(recorded.source))
    assert tally.frames == round(SECONDS * 30) - missing
    assert tally.dropped == missing > 0
    assert tally.samples == len(columns(recorded.take.with_suffix(".csv"))["time_s"])
    assert tally.lost >= tally.damaged > 0
    assert (tally.camera_unplugged, tally.sensor_unplugged) == (0, 0)


def test_the_reader_takes_it_and_finds_the_rate(recorded: Recorded) -> None:
    (recording,) = OwnRecordings(recorded.root)
    assert (recording.subject, recording.name) == ("p01", "p01/rest")
    assert recording.pulse.bpm(0.0, SECONDS) == pytest.approx(BPM, abs=2)
    with recording.open() as reader:
        assert sum(1 for _ in reader.frames()) == recorded.tally.frames


def test_it_is_prepared_trained_on_and_evaluated(recorded: Recorded, tmp_path: Path) -> None:
    clips, store = tmp_path / "clips", write_store(tmp_path / "store")
    own = ["--dataset", "own", "--root", str(recorded.root), "--frames", "100", "--jobs", "1"]
    assert prepare.main(["--out", str(clips), *own, "--model-store", str(STORE)]) == 0
    folder = ClipFolder(clips)
    assert {folder.read(address).meta["person"] for address in folder.addresses()} == {"own/p01"}
    run = ["--out", str(tmp_path / "run"), "--steps", "2", "--batch", "1", "--no-bf16"]
    assert train.main(["student", "--clips", str(clips), *run]) == 0
    score = ["--model-store", str(store), "--models", "tiny", "--figure-model", "tiny", "--tables", "3", "--jobs", "1"]
    assert reproduce.main([f"own={recorded.root}", *score, "--out", str(tmp_path / "out")]) == 0
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert "1 videos, 0 of them refused" in tables
    errors_bpm = re.findall(r"^\| tiny \| 1 \| ([0-9.]+) \|", tables, re.MULTILINE)  # of the video, of its window
    assert [float(error) for error in errors_bpm] == pytest.approx([0, 0], abs=3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", Recipe(seconds=2.0))


def test_an_unplugged_sensor_leaves_a_gap_and_the_video_goes_on(clip: Path, tmp_path: Path) -> None:
    stop, seen = Event(), list[Tally]()
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:

        def watch(moment: Moment) -> None:
            tally = replace(moment.tally)
            if tally.sensor_here and tally.samples > 60 and not seen:
                board.unplug()
                seen.append(tally)
            elif not tally.sensor_here and len(seen) == 1 and tally.time_s > seen[0].time_s + 2:
                board.plug()
                seen.append(tally)
            elif len(seen) == 2 and tally.samples > seen[1].samples:
                stop.set()

        camera = LiveCamera(str(clip))  # ends after two seconds and is found again: unplugged too
        tally = Recorder(camera, Sensor(str(board.link)), tmp_path / "p01" / "1").record(stop, watch)
    assert (tally.sensor_unplugged, tally.sensor_here) == (1, True)
    assert tally.camera_unplugged > 0
    assert seen[1].frames > seen[0].frames
    gaps_s = np.diff(columns(tmp_path / "p01" / "1.csv")["time_s"])
    assert (gaps_s > 0).all()
    assert [gap_s for gap_s in gaps_s if gap_s > 1.5] == [gaps_s.max()]
    with VideoReader(tmp_path / "p01" / "1.mkv", replace(DecodeLimits(), min_duration_s=1.0, min_fps=1.0)) as reader:
        assert sum(1 for _ in reader.frames()) == tally.frames


def test_an_unplugged_camera_leaves_a_gap_and_the_samples_go_on(clip: Path, tmp_path: Path) -> None:
    device, stop, seen = tmp_path / "video0.mp4", Event(), list[Tally]()
    device.symlink_to(clip)

    def watch(moment: Moment) -> None:
        tally = replace(moment.tally)
        if not seen:
            device.unlink()
            seen.append(tally)
        elif len(seen) == 1 and not tally.camera_here and tally.samples > seen[0].samples + 50:
            device.symlink_to(clip)
            seen.append(tally)
        elif len(seen) == 2 and tally.frames > seen[1].frames:
            stop.set()

    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:
        recorder = Recorder(LiveCamera(str(device)), Sensor(str(board.link)), tmp_path / "p01" / "1")
        tally = recorder.record(stop, watch)
    assert tally.camera_unplugged > 0  # the clip is short, and may end once more
    assert tally.sensor_unplugged == 0
    assert tally.dropped > 10
    assert len(columns(tmp_path / "p01" / "1.csv")["time_s"]) == tally.samples


def test_pictures_that_come_faster_than_they_are_written_are_counted(tmp_path: Path) -> None:
    clip, waits = write_video(tmp_path / "clip.mp4", Recipe(seconds=6.0)), iter([3.5])
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:
        recorder = Recorder(FileCamera(clip), Sensor(str(board.link)), tmp_path / "p01" / "1")
        tally = recorder.record(Event(), lambda _: time.sleep(next(waits, 0)))
    assert tally.dropped > 10
    assert tally.frames + tally.dropped == len(frames_of(clip))


def test_what_was_filmed_before_the_stop_is_written_after_it(tmp_path: Path) -> None:
    clip, stop = write_video(tmp_path / "clip.mp4", Recipe(seconds=4.0)), Event()

    def lag(_: Moment) -> None:
        if not stop.is_set():
            time.sleep(1.0)
            stop.set()

    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:
        recorder = Recorder(FileCamera(clip), Sensor(str(board.link)), tmp_path / "p01" / "1")
        tally = recorder.record(stop, lag)
    assert tally.frames >= 20


def test_the_time_can_be_over(clip: Path, tmp_path: Path) -> None:
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:
        recorder = Recorder(LiveCamera(str(clip)), Sensor(str(board.link)), tmp_path / "p01" / "1")
        assert recorder.record(Event(), ignore, seconds=1.0).time_s >= 1.0


def test_without_a_sensor_nothing_is_recorded(clip: Path, tmp_path: Path) -> None:
    recorder = Recorder(FileCamera(clip), Sensor(str(tmp_path / "ttyACM0")), tmp_path / "p01" / "1")
    with pytest.raises(SensorSilent, match="no sensor at this device"):
        recorder.record(Event(), ignore, patience_s=0.2)
    assert not (tmp_path / "p01").exists()


def test_a_board_that_says_nothing_is_told(clip: Path, tmp_path: Path) -> None:
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0, Faults(lost=1.0)) as board:
        recorder = Recorder(FileCamera(clip), Sensor(str(board.link)), tmp_path / "p01" / "1")
        with pytest.raises(SensorSilent, match="no samples come"):
            recorder.record(Event(), ignore, patience_s=1.0)


def test_without_a_camera_nothing_is_recorded(tmp_path: Path) -> None:
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 5.0) as board:
        camera = LiveCamera(str(tmp_path / "video0"))
        with pytest.raises(SourceUnavailable):
            Recorder(camera, Sensor(str(board.link)), tmp_path / "p01" / "1").record(Event(), ignore)
    assert not (tmp_path / "p01").exists()


def test_stopped_before_it_began_it_ends(clip: Path, tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    recorder = Recorder(FileCamera(clip), Sensor(str(tmp_path / "ttyACM0")), tmp_path / "p01" / "1")
    assert recorder.record(stop, ignore) == Tally()


def test_a_take_that_is_there_is_refused_at_once(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "1.csv").touch()
    with pytest.raises(TakeExists):
        Recorder(FileCamera(clip), Sensor("nowhere"), tmp_path / "1")
