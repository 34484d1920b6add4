import csv
import io
import json
from pathlib import Path

import pytest

from service.cli.rows import COLUMNS, Failure, Format, OtherTable, header, name_of, open_to_resume, row_text
from tests.service.estimates import make_face, make_result

FORMS: tuple[Format, ...] = ("csv", "jsonl")
FAILURE = Failure("no_face", "No face, as they say,\nwas found.")


def table_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(header("csv") + text, newline="")))


def test_a_face_is_a_row() -> None:
    rows = table_of(row_text("csv", "two.mp4", make_result(make_face(72), make_face(60))))
    assert [(row["face"], row["bpm"]) for row in rows] == [("0", "72.0"), ("1", "60.0")]
    assert {row["warnings"] for row in rows} == {"face_left"}


def test_a_failure_is_a_row() -> None:
    (row,) = table_of(row_text("csv", "a, b.mp4", FAILURE))
    assert (row["file"], row["status"], row["error"], row["detail"]) == ("a, b.mp4", "error", "no_face", FAILURE.detail)


def test_a_json_line_is_one_line() -> None:
    line = row_text("jsonl", "a.mp4", make_result())
    assert line.count("\n") == 1
    assert json.loads(line)["result"]["bpm"] == 72.0


@pytest.mark.parametrize("form", FORMS)
def test_a_table_knows_what_it_holds(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "table"
    with open_to_resume(path, form)[0] as table:
        table.write(row_text(form, "a.mp4", FAILURE) + row_text(form, "b.mp4", make_result()))
    table, done = open_to_resume(path, form)
    table.close()
    assert done >= {"a.mp4", "b.mp4"}


@pytest.mark.parametrize("form", FORMS)
def test_a_half_written_line_is_cut_off(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "table"
    whole = header(form) + row_text(form, "ä.mp4", make_result())
    path.write_text(whole + row_text(form, "b.mp4", make_result())[:30])
    table, done = open_to_resume(path, form)
    with table:
        table.write(row_text(form, "c.mp4", make_result()))
    assert "b.mp4" not in done
    assert path.read_text() == whole + row_text(form, "c.mp4", make_result())


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_another_kind_is_refused_and_kept(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("dear diary\nall is well")
    with pytest.raises(OtherTable):
        open_to_resume(path, form)
    assert path.read_text() == "dear diary\nall is well"


def test_the_first_line_names_the_columns() -> None:
    assert header("csv").strip().split(",") == list(COLUMNS)


def test_a_name_that_is_no_text_can_be_written() -> None:
    assert name_of(Path("/a/\udcff.mp4")) == "/a/\\udcff.mp4"
