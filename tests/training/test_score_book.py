"""Scores are kept, found again, and made anew when what they depend on changes."""

import json
from pathlib import Path

import pytest

from service.pipeline.manifest import CalibrationPart, read_manifest
from tests.service.pipeline.renders import BPM
from tests.training.test_tables import SCORES
from tests.training.videos import write_case, write_store
from training.score_book import ScoreBook, chain_digest, model_digest, score_key, score_takes
from training.takes import CaseTakes


def takes_of(folder: Path, video: Path, count: int = 1) -> CaseTakes:
    return CaseTakes("set", [write_case(folder, seed, video, BPM) for seed in range(count)])


def test_a_score_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.jsonl"
    ScoreBook(path).add("key", SCORES[0], "abc")
    again = ScoreBook(path)
    assert "key" in again
    assert again.score("key") == SCORES[0]
    assert again.revisions(["key"]) == ["abc"]


def test_a_line_that_was_cut_off_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    for number, score in enumerate(SCORES[:2]):
        ScoreBook(path).add(str(number), score, "abc")
    path.write_text(path.read_text()[:-9])
    book = ScoreBook(path)
    assert ("0" in book, "1" in book) == (True, False)
    book.add("1", SCORES[1], "abc")
    assert ScoreBook(path).score("1") == SCORES[1]


def test_lines_of_another_form_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text('{"model": "student", "seed": 3}\n')
    ScoreBook(path).add("key", SCORES[0], "abc")
    assert len(path.read_text().splitlines()) == 2


def test_only_what_is_missing_is_scored(face_video: Path, tiny_store: Path, tmp_path: Path) -> None:
    takes, path = takes_of(tmp_path / "set", face_video), tmp_path / "scores.jsonl"
    first = score_takes(takes, ["pos"], lambda _: tiny_store, ScoreBook(path))
    before = path.read_text()
    both = score_takes(takes, ["pos", "green"], lambda _: tiny_store, ScoreBook(path))
    assert path.read_text().startswith(before)
    assert [json.loads(line)["score"]["model"] for line in path.read_text().splitlines()] == ["pos", "green"]
    assert both.scores[0] == first.scores[0]
    assert len(both.revisions) == 1


def test_another_video_under_the_same_name_is_another_score(tmp_path: Path) -> None:
    keys = []
    for folder, content in (("a", b"1"), ("b", b"22"), ("c", b"1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "video").write_bytes(content)
        takes = takes_of(tmp_path / folder, tmp_path / folder / "video")
        keys.append(score_key(takes, "0", "pos", "digest"))
    assert keys[0] == keys[2] != keys[1]
    assert score_key(takes, "0", "pos", "another") not in keys


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store")


def test_a_models_digest_changes_with_its_confidence_alone(store: Path) -> None:
    before, face, pos = (model_digest(store, name) for name in ("tiny", "face", "pos"))
    folder = next(store.glob("tiny-*"))
    manifest = read_manifest(folder)
    manifest.model_copy(update={"metrics": {"mae": 1.0}}).write(folder)
    assert model_digest(store, "tiny") == before
    manifest.model_copy(update={"calibration": CalibrationPart(bias=1.0, weights={})}).write(folder)
    assert model_digest(store, "tiny") != before
    assert (model_digest(store, "face"), model_digest(store, "pos")) == (face, pos)


def test_the_chains_digest_is_that_of_its_code(tmp_path: Path) -> None:
    for name, (pulse, hrv) in {
        "old": ("A = 1\n\n\ndef f():\n    return A\n", ""),
        "remarked": ('A = 1\n"""One."""\n\n\ndef f():\n    """Return one."""\n    return A  # as before\n', ""),
        "aside": ("A = 1\n\n\ndef f():\n    return A\n", "MORE = 1"),
        "changed": ("A = 2\n\n\ndef f():\n    return A\n", ""),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "pulse.py").write_text(pulse)
        (tmp_path / name / "hrv.py").write_text(hrv)
    old, remarked, aside, changed = (chain_digest(tmp_path / n) for n in ("old", "remarked", "aside", "changed"))
    assert old == remarked == aside != changed
