from pathlib import Path

import pytest

from tests.service.pipeline.media import Recipe, write_video
from tests.training.datasets.folders import heart, write_cohface, write_own, write_second_ubfc
from training.datasets.__main__ import main

HEART = heart()


def write_subject(root: Path, name: str) -> Path:
    folder = write_second_ubfc(root / name, HEART)
    (folder / "vid.avi").unlink()
    write_video(folder / "vid.avi", Recipe(seconds=1.0, codec="mpeg4", container="avi", options=()))
    return folder


def test_check_tells_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("subject1", "subject3"):
        write_subject(tmp_path, name)
    assert main(["check", "ubfc-rppg", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "| subject3 | subject3 | 1.0 | -0.0 to 5.9 | 30.0 | 84." in printed
    assert "2 recordings of 2 subjects; the authors hand out 8" in printed


def test_check_names_what_is_missing_and_what_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (write_subject(tmp_path, f"subject{number}") for number in (1, 3, 4))
    (first / "vid.avi").unlink()
    (second / "ground_truth.txt").write_text("1 2\n")
    (third / "vid.avi").write_bytes(b"no video")
    assert main(["check", "ubfc-rppg", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert f"missing: {first / 'vid.avi'}" in printed
    assert f"broken: {second / 'ground_truth.txt'}: has 1 lines" in printed
    assert f"broken: {third / 'vid.avi'}: " in printed
    assert "| subject1 | subject1 | - | - | - | - | - | missing |" in printed


def test_check_counts_what_the_set_has_besides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cohface(tmp_path, "1", "0", HEART)
    main(["check", "cohface", str(tmp_path)])
    assert "Not here: 1/1, 1/2, 1/3, 2/0" in (printed := capsys.readouterr().out)
    assert "and 147 more" in printed


@pytest.mark.parametrize("action", ["check", "split"])
def test_another_folder_is_refused(tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([action, "pure", str(tmp_path)]) == 2
    assert "no recording of pure" in capsys.readouterr().err


def test_split_names_who_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abcde":
        write_own(tmp_path / name / "1", HEART)
    assert main(["split", "own", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fixed, 4 train, 1 test: own/")
    assert sorted(line.rpartition(" ")[2] for line in lines[1:]) == [f"own/{name}" for name in "abcde"]


def test_one_subject_cannot_be_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_own(tmp_path / "ann" / "1", HEART)
    assert main(["split", "own", str(tmp_path)]) == 2
    assert "one subject" in capsys.readouterr().err
