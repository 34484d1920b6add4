"""Accuracy against cost, on figures whose front is known and on one short video."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.service.pipeline.renders import BPM
from tests.training.pictures import has_content
from tests.training.test_tables import rows
from tests.training.videos import write_case
from training.pareto import Choice, front, main, plot, table
from training.tables import Accuracy


def choice(model: str, bpm_mae: float, fps: float, parameters: int = 0) -> Choice:
    return Choice(model, Accuracy(10, bpm_mae, 0.5, 1.0), fps, 4 * parameters, parameters)


CHOICES = [
    choice("fast", 20.0, 1e5),
    choice("beaten", 21.0, 9e4),
    choice("small", 10.0, 1e4, 25_000),
    choice("slow", 12.0, 1e3, 800_000),
    choice("best", 5.0, 1e2, 800_000),
]


def test_the_front_is_what_none_beats_in_both() -> None:
    assert [one.model for one in front(CHOICES)] == ["fast", "small", "best"]


@pytest.mark.parametrize(("bpm_mae", "fps"), [(10.0, 9e3), (10.5, 1e4)])
def test_a_tie_in_one_is_beaten_in_the_other(bpm_mae: float, fps: float) -> None:
    assert CHOICES[2].beats(choice("other", bpm_mae, fps))


def test_equals_stay_on_the_front_together() -> None:
    twin = replace(CHOICES[2], model="twin")
    assert {one.model for one in front([*CHOICES, twin])} == {"fast", "small", "twin", "best"}


def test_the_table_begins_with_the_most_accurate_and_marks_the_front() -> None:
    found = rows(table(CHOICES))[2:]
    assert [row[0] for row in found] == ["best", "small", "slow", "fast", "beaten"]
    assert found[1] == ["small", "10.00", "50%", "1.00", "10,000", "100", "25,000", "yes"]
    assert found[4] == ["beaten", "21.00", "50%", "1.00", "90,000", "-", "-", ""]


def test_the_plot_has_content(tmp_path: Path) -> None:
    plot(CHOICES, tmp_path / "pareto.png")
    assert has_content(tmp_path / "pareto.png")


def test_the_command_measures_networks_and_methods(
    face_video: Path, tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(tmp_path / "set", 1, face_video, BPM)
    words = ["--model-store", str(tiny_store), "--out", str(tmp_path / "out"), "--jobs", "1", "--models", "tiny", "pos"]
    assert main([f"rendered={tmp_path / 'set'}", *words]) == 0
    printed = capsys.readouterr().out
    assert "| tiny |" in printed
    assert "| pos |" in printed
    assert "`python -m training.pareto" in printed
    assert (tmp_path / "out" / "pareto.md").read_text() == printed[:-1]
    assert has_content(tmp_path / "out" / "pareto.png")


@pytest.mark.parametrize(("sets", "said"), [(["nobody=here"], "is no set"), ([], "no answer")])
def test_nothing_to_compare_is_told(
    sets: list[str], said: str, tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*sets, "--model-store", str(tiny_store), "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
