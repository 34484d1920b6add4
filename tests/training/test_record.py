"""The command, as it is started, ended and killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.pipeline.types import DecodeLimits
from tests.service.pipeline.media import Recipe, write_video
from tests.service.server import ROOT
from tests.training.recorder.board import PtyBoard
from training.datasets.own import OwnRecordings
from training.record import main

SHORT = replace(DecodeLimits(), min_duration_s=1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", Recipe(seconds=60.0))


@pytest.fixture
def sensor(tmp_path: Path) -> Iterator[str]:
    with PtyBoard(tmp_path / "ttyACM0", lambda time_s: 500 + 100 * (time_s % 0.8)) as board:
        yield str(board.link)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@contextmanager
def recording(take: Path, sensor: str, clip: Path, *, blocks: str = "unlimited") -> "Iterator[subprocess.Popen[str]]":
    """Start the command; go on when two seconds of samples are in the file, or it has ended.

    blocks: how large a file may become, in blocks of the shell's ulimit.
    """
    argv = [sys.executable, "-m", "training.record", str(take), "--sensor", sensor, "--file", str(clip)]
    limited = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *argv]
    process = subprocess.Popen(limited, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while process.poll() is None and lines(take.with_name(take.name + ".csv")) < 200:
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def frames(root: Path) -> int:
    (recording,) = OwnRecordings(root)
    with recording.open(SHORT) as reader:
        return sum(1 for _ in reader.frames())


def test_what_was_recorded_before_a_crash_is_there(sensor: str, clip: Path, tmp_path: Path) -> None:
    take = tmp_path / "own" / "p01" / "1"
    with recording(take, sensor, clip) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (found,) = OwnRecordings(tmp_path / "own")
    assert found.pulse.rate_hz == pytest.approx(100, abs=2)
    assert frames(tmp_path / "own") / 30 == pytest.approx(found.pulse.times_s[-1], abs=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told(number: signal.Signals, sensor: str, clip: Path, tmp_path: Path) -> None:
    with recording(tmp_path / "own" / "p01" / "1", sensor, clip) as process:
        process.send_signal(number)
        said, warned = process.communicate()
    assert process.returncode == 0
    assert f"{frames(tmp_path / 'own')} frames, 0 dropped" in said
    assert "p01" not in said + warned


def test_a_full_disk_ends_it_and_keeps_what_is_there(sensor: str, clip: Path, tmp_path: Path) -> None:
    with recording(tmp_path / "own" / "p01" / "1", sensor, clip, blocks="2048") as process:
        _, warned = process.communicate()
    assert process.returncode == 2, warned
    assert "File too large; what was written before is kept" in warned
    assert frames(tmp_path / "own") > 10


def test_the_time_can_be_given(sensor: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take = tmp_path / "own" / "p01" / "1"
    assert main([str(take), "--sensor", sensor, "--file", str(clip), "--seconds", "1.5", "--codec", "h264"]) == 0
    assert " 0 dropped; " in capsys.readouterr().out
    assert frames(tmp_path / "own") >= 30


def test_a_take_is_never_written_over(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.csv").write_text("here")
    assert main([str(tmp_path / "1"), "--sensor", "nowhere", "--file", str(clip)]) == 2
    assert "1.csv is there already" in capsys.readouterr().err
    assert (tmp_path / "1.csv").read_text() == "here"


@pytest.mark.parametrize("source", ["--file", "--camera"])
def test_a_missing_camera_is_told(source: str, sensor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "own" / "1"), "--sensor", sensor, source, str(tmp_path / "none")]) == 2
    assert "video" in (said := capsys.readouterr().err) or "no such camera" in said
    assert not (tmp_path / "own").exists()


def test_a_camera_and_a_file_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "1"), "--sensor", "nowhere", "--camera", "1", "--file", "x.mp4"])


@pytest.mark.parametrize("wrong", [["."], ["..", "--fps", "30"], ["1", "--seconds", "nan"], ["1", "--fps", "0"]])
def test_what_makes_no_sense_is_told_in_words(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*wrong, "--sensor", "nowhere"])
    assert "must be a" in capsys.readouterr().err
