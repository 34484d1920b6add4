"""`facepulse batch` with real workers on the bundled clip."""

import importlib.util
import io
import json
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.api.schemas import HeartRateResult
from service.cli import main
from service.cli.batch import MANIFEST
from service.cli.batch_manifest import BatchManifest
from tests.service.cli.test_estimate import CLIP, METHOD
from tests.service.cli.test_main import usage_error
from tests.service.cli.test_many import HEARS_CTRL_C
from tests.service.server import wait_until


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    code: int
    said: str
    folder: Path

    def lines(self) -> dict[str, Any]:
        return lines_of(self.folder / MANIFEST)


def lines_of(manifest: Path) -> dict[str, Any]:
    """Return the lines by file; there is one for each."""
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    by_file = {line["file"]: line for line in lines}
    assert len(by_file) == len(lines)
    return by_file


def batch(folder: Path, *options: str) -> Run:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["batch", str(folder), "--model", METHOD, *options])
    assert out.getvalue() == ""
    return Run(code, err.getvalue(), folder)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A folder with two good videos and two bad ones, measured by two workers."""
    folder = tmp_path_factory.mktemp("batch")
    (folder / "below").mkdir()
    shutil.copy(CLIP, folder / "one.mp4")
    shutil.copy(CLIP, folder / "below" / "two.MP4")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "empty.webm").touch()
    (folder / "notes.txt").write_text("not even named like one")
    return batch(folder, "--jobs", "2")


def test_every_video_has_one_line(measured: Run) -> None:
    assert set(measured.lines()) == {"one.mp4", "below/two.MP4", "text.mp4", "empty.webm"}


def test_a_good_video_has_the_whole_result(measured: Run) -> None:
    line = measured.lines()["below/two.MP4"]
    result = HeartRateResult.model_validate(line["result"])
    assert (line["status"], line["model"], line["size"]) == ("ok", METHOD, CLIP.stat().st_size)
    assert 65 < result.bpm < 80


def test_a_bad_video_has_its_error(measured: Run) -> None:
    line = measured.lines()["text.mp4"]
    assert (line["status"], line["error"]["code"]) == ("failed", "not_a_video")


def test_the_run_tells_what_came_of_it(measured: Run) -> None:
    assert measured.code == 1
    assert measured.said.endswith("4 measured: 2 ok, 0 of low quality, 2 unusable\n")


def test_nothing_is_measured_twice(measured: Run) -> None:
    before = (measured.folder / MANIFEST).read_bytes()
    again = batch(measured.folder)
    assert (again.code, (measured.folder / MANIFEST).read_bytes()) == (0, before)
    assert "0 measured" in again.said
    assert "4 were there already" in again.said


def test_failures_are_taken_up_again(tmp_path: Path) -> None:
    video = tmp_path / "later.mp4"
    video.write_text("no video yet")
    assert batch(tmp_path).code == 1
    assert "1 measured" in batch(tmp_path, "--retry-failed").said
    assert len((tmp_path / MANIFEST).read_text().splitlines()) == 2


def test_a_changed_video_is_measured_again(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_text("no video yet")
    assert batch(tmp_path).code == 1
    shutil.copy(CLIP, video)
    assert batch(tmp_path).code == 0
    assert [json.loads(line)["status"] for line in (tmp_path / MANIFEST).read_text().splitlines()] == ["failed", "ok"]


def test_a_manifest_in_use_is_1(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with BatchManifest(tmp_path / "m.jsonl"):
        run = batch(tmp_path, "--out", str(tmp_path / "m.jsonl"))
    assert (run.code, run.said) == (1, "manifest_in_use: another run writes to m.jsonl\n")


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / MANIFEST).write_text('{"file": "me.mp4", "score": 12}\n')
    run = batch(tmp_path)
    assert (run.code, run.said.split(":")[0]) == (2, "other_table")
    assert (tmp_path / MANIFEST).read_text() == '{"file": "me.mp4", "score": 12}\n'


def test_a_folder_without_videos_is_1(tmp_path: Path) -> None:
    run = batch(tmp_path)
    assert (run.code, run.said) == (1, "no_videos: no video was found there\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("argv", [["none"], [str(CLIP)], [".", "--out", "m.csv"], [".", "--attempts", "0"]])
def test_wrong_options_are_2(argv: list[str]) -> None:
    assert usage_error("batch", *argv) == 2


def test_a_model_that_there_is_not_is_2(tmp_path: Path) -> None:
    assert main(["batch", str(tmp_path), "--model", "none"]) == 2


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    run = batch(tmp_path, "--ray", "127.0.0.1:6379")
    said = "cluster_unavailable: Ray is not installed here: pip install 'facepulse[cluster]'\n"
    assert (run.code, run.said) == (1, said)


def test_a_run_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    names = {f"{number}.mp4" for number in range(8)}
    for name in names:
        (tmp_path / name).symlink_to(CLIP)
    manifest = tmp_path / MANIFEST
    command = [sys.executable, "-m", "service.cli", "batch", str(tmp_path), "--model", METHOD, "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 2, 60)
        process.kill()
    before = manifest.read_bytes()
    assert before.count(b"\n") < len(names), "it was killed too late"
    assert batch(tmp_path, "--jobs", "2").code == 0
    assert set(lines_of(manifest)) == names
    assert manifest.read_bytes().startswith(before[: before.rfind(b"\n") + 1])


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    for number in range(30):  # so many that none of them can be the last when the signal comes
        (tmp_path / f"b{number}.mp4").symlink_to(CLIP)
    manifest = tmp_path / MANIFEST
    with subprocess.Popen(
        [sys.executable, "-c", HEARS_CTRL_C, "batch", str(tmp_path), "--jobs", "1"], stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        wait_until(lambda: manifest.exists() and "not_a_video" in manifest.read_text(), 60)
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (130, b"")
    kept = manifest.read_bytes()
    assert kept.endswith(b"\n")
    assert len(lines_of(manifest)) < 31
