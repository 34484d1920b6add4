import dataclasses
import json
import os
import stat
from pathlib import Path

import pytest

from service.cli.batch_manifest import BatchManifest, Entry, ManifestInUse, line_of
from service.cli.local_pool import Measured
from service.cli.rows import Failure, OtherTable
from tests.service.estimates import make_result

ENTRY = Entry("below/a.mp4", 1000, 1_700_000_000_000_000_000, "auto", "largest")
OTHER = dataclasses.replace(ENTRY, file="b.mp4")
FAILURE = Failure("no_face", "No face, as they say,\nwas found.")


def written(path: Path, *lines: tuple[Entry, Measured]) -> bytes:
    with BatchManifest(path) as manifest:
        for entry, outcome in lines:
            manifest.add(entry, outcome)
    return path.read_bytes()


def todo(path: Path, *entries: Entry, retry_failed: bool = False) -> list[Entry]:
    with BatchManifest(path) as manifest:
        return list(manifest.todo(entries, retry_failed=retry_failed))


def test_a_result_is_a_line(tmp_path: Path) -> None:
    (line,) = written(tmp_path / "m", (ENTRY, make_result())).splitlines()
    told = json.loads(line)
    assert told["result"] == json.loads(make_result().to_json())
    assert {name: told[name] for name in dataclasses.asdict(ENTRY)} == dataclasses.asdict(ENTRY)
    assert told["status"] == "ok"


def test_a_failure_is_a_line(tmp_path: Path) -> None:
    (line,) = written(tmp_path / "m", (ENTRY, FAILURE)).splitlines()
    assert json.loads(line)["status"] == "failed"
    assert json.loads(line)["error"] == {"code": "no_face", "detail": FAILURE.detail}


def test_what_has_a_line_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "m", (ENTRY, make_result()))
    assert todo(tmp_path / "m", ENTRY, OTHER) == [OTHER]


@pytest.mark.parametrize("change", [{"size": 1001}, {"mtime_ns": 1}, {"model": "pos"}, {"face": "all"}])
def test_a_changed_video_or_other_options_are_measured(tmp_path: Path, change: dict[str, int | str]) -> None:
    written(tmp_path / "m", (ENTRY, make_result()))
    changed = dataclasses.replace(ENTRY, **change)  # type: ignore[arg-type]
    assert todo(tmp_path / "m", changed) == [changed]


def test_failures_are_retried_on_demand_and_results_are_not(tmp_path: Path) -> None:
    written(tmp_path / "m", (ENTRY, FAILURE), (OTHER, make_result()))
    assert todo(tmp_path / "m", ENTRY, OTHER) == []
    assert todo(tmp_path / "m", ENTRY, OTHER, retry_failed=True) == [ENTRY]


def test_of_two_lines_the_last_counts(tmp_path: Path) -> None:
    written(tmp_path / "m", (ENTRY, FAILURE), (ENTRY, make_result()))
    assert todo(tmp_path / "m", ENTRY, retry_failed=True) == []


def test_lines_are_appended(tmp_path: Path) -> None:
    before = written(tmp_path / "m", (ENTRY, make_result()))
    assert written(tmp_path / "m", (OTHER, FAILURE)) == before + line_of(OTHER, FAILURE)


@pytest.mark.parametrize("cut", [1, 5, 9, 30, len(line_of(OTHER, FAILURE)) - 1])
@pytest.mark.parametrize("zeros", [0, 100])
def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path, cut: int, zeros: int) -> None:
    whole = written(tmp_path / "m", (ENTRY, make_result()))
    (tmp_path / "m").write_bytes(whole + line_of(OTHER, FAILURE)[:cut] + bytes(zeros))
    assert todo(tmp_path / "m", ENTRY, OTHER) == [OTHER]
    assert written(tmp_path / "m", (OTHER, FAILURE)) == whole + line_of(OTHER, FAILURE)


@pytest.mark.parametrize("text", ["dear diary\nall is well", "dear diary", '{"file": "a.mp4"}\n', "[1]\n", "\n"])
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "m").write_text(text)
    with pytest.raises(OtherTable):
        BatchManifest(tmp_path / "m")
    assert (tmp_path / "m").read_text() == text


def test_two_runs_never_share_a_manifest(tmp_path: Path) -> None:
    with BatchManifest(tmp_path / "m"), pytest.raises(ManifestInUse):
        BatchManifest(tmp_path / "m")
    BatchManifest(tmp_path / "m").__exit__()


def test_results_are_for_their_owner_alone(tmp_path: Path) -> None:
    written(tmp_path / "m", (ENTRY, make_result()))
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o600


def test_an_entry_tells_path_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    video = tmp_path / "below" / "ä.mp4"
    video.write_bytes(b"12345")
    os.utime(video, ns=(7, 7_000_000_001))
    entry = Entry.of(video, tmp_path, model="pos", face="all")
    assert entry == Entry("below/ä.mp4", 5, 7_000_000_001, "pos", "all")


def test_a_video_that_is_gone_is_an_entry_too(tmp_path: Path) -> None:
    assert Entry.of(tmp_path / "a.mp4", tmp_path, model="auto", face="largest").size == 0


def test_a_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    entry = Entry.of(tmp_path / "\udcff.mp4", tmp_path, model="auto", face="largest")
    written(tmp_path / "m", (entry, FAILURE))
    assert todo(tmp_path / "m", entry) == []
