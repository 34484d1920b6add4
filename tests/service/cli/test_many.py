import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.api.schemas import HeartRateResult
from service.cli import main
from service.cli.many import find_videos
from tests.service.cli.test_estimate import CLIP, METHOD
from tests.service.server import wait_until

# A shell that runs the tests in the background has Ctrl-C ignored, and its children inherit that.
HEARS_CTRL_C = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from service.cli import main; sys.exit(main())"
)
SHORT = ("--model", METHOD, "--duration-s", "10")


@dataclass(frozen=True)
class Run:
    """What a run with a folder left behind."""

    code: int
    said: str
    folder: Path
    table: Path

    def rows(self) -> dict[str, dict[str, str]]:
        with self.table.open(newline="") as file:
            return {Path(row["file"]).name: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A folder with two good videos and two bad ones, measured by two workers, with one name that does not exist."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "below").mkdir()
    shutil.copy(CLIP, folder / "one.mp4")
    shutil.copy(CLIP, folder / "below" / "two, as they say.MP4")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "empty.webm").touch()
    (folder / "notes.txt").write_text("not even named like one")
    out, err = io.StringIO(), io.StringIO()
    table = folder / "rates.csv"
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["estimate", str(folder), str(folder / "none.mp4"), *SHORT, "--out", str(table), "--jobs", "2"])
    assert out.getvalue() == ""
    return Run(code, err.getvalue(), folder, table)


def test_every_video_has_a_row(measured: Run) -> None:
    assert set(measured.rows()) == {"one.mp4", "two, as they say.MP4", "text.mp4", "empty.webm", "none.mp4"}


def test_a_good_video_has_its_rate(measured: Run) -> None:
    row = measured.rows()["two, as they say.MP4"]
    assert (row["status"], row["model"], row["error"]) == ("ok", METHOD, "")
    assert 65 < float(row["bpm"]) < 80


@pytest.mark.parametrize(("name", "code"), [("text.mp4", "not_a_video"), ("none.mp4", "file_error")])
def test_a_bad_video_has_its_error(measured: Run, name: str, code: str) -> None:
    row = measured.rows()[name]
    assert (row["status"], row["error"], row["bpm"]) == ("error", code, "")
    assert row["detail"]


def test_bad_videos_make_the_exit_code_1(measured: Run) -> None:
    assert measured.code == 1
    assert measured.said.endswith("5 measured: 2 ok, 0 of low quality, 3 unusable\n")


def test_nothing_is_measured_twice(measured: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured.table.read_bytes()
    assert main(["estimate", str(measured.folder), *SHORT, "--out", str(measured.table)]) == 0
    assert measured.table.read_bytes() == before
    assert "4 were there already" in capsys.readouterr().err


def test_json_lines_hold_whole_results(measured: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = str(measured.folder / "[ot]*.mp4")
    assert main(["estimate", pattern, "--model", METHOD, "--duration-s", "5", "--format", "jsonl", "--jobs", "1"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["one.mp4", "text.mp4"]
    HeartRateResult.model_validate(lines[0]["result"])
    assert lines[1]["error"]["code"] == "not_a_video"


def test_a_table_of_somebody_else_is_left_alone(measured: Run, capsys: pytest.CaptureFixture[str]) -> None:
    table = measured.folder / "mine.csv"
    table.write_text("file,score\nme.mp4,12\n")
    assert main(["estimate", str(CLIP), "--out", str(table)]) == 2
    assert capsys.readouterr().err.startswith("other_table: mine.csv cannot be resumed")
    assert table.read_text() == "file,score\nme.mp4,12\n"


def test_a_folder_without_videos_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("no_videos: ")


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    for number in range(30):  # so many that none of them can be the last when the signal comes
        (tmp_path / f"b{number}.mp4").symlink_to(CLIP)
    table = tmp_path / "out.csv"
    command = [sys.executable, "-c", HEARS_CTRL_C, "estimate", str(tmp_path), "--out", str(table), "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        wait_until(lambda: table.exists() and "not_a_video" in table.read_text(), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert "not_a_video" in table.read_text()


def test_each_video_is_found_once(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.MKV", ".hidden.mp4", "c.txt"):
        (tmp_path / name).touch()
    found = find_videos([str(tmp_path / "b.MKV"), str(tmp_path), str(tmp_path / "*.mp4")])
    assert [path.name for path in found] == ["b.MKV", "a.mp4"]


def test_a_name_with_marks_of_a_glob_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "take[1].mp4").touch()
    assert [path.name for path in find_videos([str(tmp_path / "take[1].mp4")])] == ["take[1].mp4"]
