from pathlib import Path

import pytest

from tests.training.datasets.folders import heart, write_own
from training.datasets.errors import DatasetInvalid, FileMalformed, FilesMissing
from training.datasets.own import OwnRecordings

HEART = heart()


def test_the_folder_is_the_subject(tmp_path: Path) -> None:
    for take in ("ann/1", "ann/evening/1", "bob/1"):
        write_own(tmp_path / take, HEART)
    assert [(r.name, r.subject) for r in OwnRecordings(tmp_path)] == [
        ("ann/1", "ann"),
        ("ann/evening/1", "ann"),
        ("bob/1", "bob"),
    ]


def test_takes_without_a_folder_are_one_persons(tmp_path: Path) -> None:
    write_own(tmp_path / "1", HEART)
    write_own(tmp_path / "2", HEART)
    assert {r.subject for r in OwnRecordings(tmp_path)} == {tmp_path.name}


def test_times_and_pulse_are_found_by_their_columns(tmp_path: Path) -> None:
    write_own(tmp_path / "ann" / "1", HEART)
    (recording,) = OwnRecordings(tmp_path)
    assert recording.source == tmp_path / "ann" / "1.avi"
    assert recording.pulse.rate_hz == pytest.approx(25, abs=0.1)
    assert recording.pulse.times_s[0] == pytest.approx(-0.03)
    assert recording.pulse.bpm() == pytest.approx(84, abs=1)


@pytest.mark.parametrize(("lost", "named"), [("1.csv", "ann/1.csv"), ("1.avi", "ann/1.mp4")])
def test_a_missing_half_is_named(tmp_path: Path, lost: str, named: str) -> None:
    write_own(tmp_path / "ann" / "1", HEART)
    (tmp_path / "ann" / lost).unlink()
    with pytest.raises(FilesMissing, match=f"missing: {named}"):
        list(OwnRecordings(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,bvp\n0,1\n", "has no column ppg"),
        ("", "has no column time_s"),
        ("time_s,ppg\n", "fewer than two samples"),
        ("time_s,ppg\n0,1\n0.04\n", "line 3 has 1 columns"),
        ("time_s,ppg\n0,1\n0.04,one\n", "line 3 holds something that is not a number"),
        ("time_s,ppg\n0,1\n0.04,nan\n", "not finite"),
        ("time_s,ppg\n0,1\n40,2\n80,3\n", "samples of the pulse per second"),
    ],
)
def test_a_malformed_csv_is_named(tmp_path: Path, text: str, said: str) -> None:
    write_own(tmp_path / "ann" / "1", HEART)
    (tmp_path / "ann" / "1.csv").write_text(text)
    with pytest.raises(FileMalformed, match=said) as caught:
        list(OwnRecordings(tmp_path))
    assert caught.value.path == tmp_path / "ann" / "1.csv"


def test_spreadsheets_mark_their_utf8(tmp_path: Path) -> None:
    write_own(tmp_path / "ann" / "1", HEART)
    path = tmp_path / "ann" / "1.csv"
    rows = [line.split(",", 1)[1] for line in path.read_text().splitlines()]  # time_s is the first column now
    path.write_text("\n".join(rows), encoding="utf-8-sig")
    (recording,) = OwnRecordings(tmp_path)
    assert recording.pulse.rate_hz == pytest.approx(25, abs=0.1)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no recording of own; a recording is <subject>/<take>"):
        OwnRecordings(tmp_path)
