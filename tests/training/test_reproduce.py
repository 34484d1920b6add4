"""The command that prints the papers' tables, on a set of three short videos."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.service.pipeline.renders import BPM
from tests.training.pictures import has_content
from tests.training.test_tables import SCORES
from tests.training.test_takes import own_takes
from tests.training.videos import write_case
from training.report import accuracy_tables
from training.reproduce import main, report, stores_of
from training.score_book import Scored

PLOTS = ["bland-altman", "coverage", "errors", "groups", "reliability", "waves"]


@pytest.fixture(scope="module")
def made(face_video: Path, pulseless_video: Path, tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a reproduction on two sets."""
    folder = tmp_path_factory.mktemp("reproduce")
    for home, seed, video, bpm in (
        ("beating", 1, face_video, BPM), ("beating", 2, face_video, BPM + 40), ("still", 3, pulseless_video, None)
    ):  # fmt: skip
        write_case(folder / home, seed, video, bpm)
    sets = [f"rendered={folder / home}" for home in ("beating", "still")]
    common = ["--model-store", str(tiny_store), "--models", "tiny", "pos", "--figure-model", "tiny", "--jobs", "1"]
    tables = ["--tables", "1", "2", "3", "5"]  # what networks cost has its own tests
    arguments = [*sets, *common, *tables, "--out", str(folder / "out")]
    assert main(arguments) == 0
    return folder / "out"


def test_every_table_is_there_and_signed(made: Path) -> None:
    text = (made / "tables.md").read_text()
    for title in ("Table 1 of", "Table 2 of", "Table 3 of", "Table 5 of", "## beating", "## still"):
        assert title in text
    tables = sum(line.startswith("| ---") for line in text.splitlines())
    assert text.count("Made by `python -m training.reproduce") == tables > 8


def test_ours_stand_beside_the_quoted(made: Path) -> None:
    lines = (made / "tables.md").read_text().splitlines()
    assert any(line.startswith("| Meta-rPPG | - | 5.97 | 7.42 | - | - |") for line in lines)
    (ours,) = [line for line in lines if line.startswith("| - | tiny | - | - | ") and line.count("|") == 7]
    assert float(ours.split("|")[5]) == pytest.approx(20, abs=2)  # half of them 40 bpm off


def test_videos_without_a_pulse_have_a_table_of_confidence(made: Path) -> None:
    text = (made / "tables.md").read_text()
    still = text[text.index("## still") :]
    assert "1 videos, 0 of them refused" in still
    assert "confidence >= 0.5" in still
    assert "MAE" not in still


def test_a_set_with_and_without_a_pulse_has_both_tables() -> None:
    still = [replace(score, true_bpm=None, groups={"kind": "lamp"}) for score in SCORES[:1]]
    text = report({"lamps": Scored([*SCORES, *still], ["abc"])}, {}, ", ".join, folded=False)
    assert "| model | videos | refused |" in text
    assert all(table in text for table in accuracy_tables(SCORES))
    assert f"{len({score.name for score in SCORES})} videos" in text


def test_of_videos_that_were_all_refused_there_are_no_errors() -> None:
    refused = [replace(score, error_code="no_face") for score in SCORES]
    text = report({"lamps": Scored(refused, ["abc"])}, {}, ", ".join, folded=False)
    assert f"{len({score.name for score in SCORES})} of them refused" in text
    assert "nan" not in text


def test_plots_have_content(made: Path) -> None:
    found = sorted(path.name for path in made.glob("*.png"))
    assert found == [f"beating-{plot}.png" for plot in PLOTS]
    assert all(has_content(made / name) for name in found)


def test_every_score_is_kept_by_set(made: Path) -> None:
    files = sorted((made / "scores").iterdir())
    assert [path.name for path in files] == ["beating.jsonl", "still.jsonl"]
    lines = [json.loads(line)["score"] for path in files for line in path.read_text().splitlines()]
    assert [(line["name"], line["model"]) for line in lines] == [(n, m) for n in "123" for m in ("tiny", "pos")]


@pytest.mark.parametrize(
    ("name", "said"), [("nobody=here", "is no set"), ("rendered-1", "--faces"), ("pure=/nowhere", "is not a folder")]
)
def test_a_set_that_cannot_be_used_is_told(
    name: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([name, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def options(**values: object) -> argparse.Namespace:
    return argparse.Namespace(**{"model_store": Path("store"), "folds": None, "seed": 0, "limit": None, **values})


def test_one_store_answers_for_all(tmp_path: Path) -> None:
    assert stores_of(own_takes(tmp_path), options())("ben/2") == Path("store")


def test_folds_need_as_many_subjects(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 subjects"):
        stores_of(own_takes(tmp_path), options(folds=tmp_path))


def test_with_folds_everyone_is_scored_by_the_fold_in_which_they_test(tmp_path: Path) -> None:
    for name in "cdefgh":
        (tmp_path / name).mkdir()
        for suffix in (".mp4", ".csv"):
            (tmp_path / name / f"1{suffix}").touch()
    takes = own_takes(tmp_path)
    store_of = stores_of(takes, options(folds=Path("folds")))
    assert {store_of(name) for name in takes.names} == {Path("folds") / f"fold-{n}" for n in range(1, 6)}
