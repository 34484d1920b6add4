"""Sets by the words of a command line, on small videos."""

import argparse
from pathlib import Path

import pytest

from tests.service.pipeline.renders import BPM
from tests.training.test_takes import own_takes
from tests.training.videos import write_case
from training.sets import SetUnknown, book_of, open_set, score_all, set_parser


def options(*words: str) -> argparse.Namespace:
    return set_parser("sets").parse_args([*words, "--jobs", "1"])


def test_recordings_come_from_their_folder(tmp_path: Path) -> None:
    own_takes(tmp_path)
    assert open_set(f"own={tmp_path}", options("--limit", "1")).names == ["ann/1"]


def test_rendered_videos_come_from_their_folder(face_video: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        write_case(tmp_path / "mine", seed, face_video, BPM)
    takes = open_set(f"rendered={tmp_path / 'mine'}", options())
    assert (takes.name, takes.names) == ("mine", ["1", "2"])


def test_a_set_needs_its_folder() -> None:
    with pytest.raises(SetUnknown, match="own is no set"):
        open_set("own", options())


def test_a_fixed_set_needs_its_faces() -> None:
    with pytest.raises(SetUnknown, match="--faces"):
        open_set("rendered-1", options())


def test_all_sets_are_scored_and_each_is_kept(
    face_video: Path, pulseless_video: Path, tiny_store: Path, tmp_path: Path
) -> None:
    write_case(tmp_path / "beating", 1, face_video, BPM)
    write_case(tmp_path / "still", 2, pulseless_video, None)
    words = ["--model-store", str(tiny_store), "--out", str(tmp_path / "out")]
    args = options(*(f"rendered={tmp_path / name}" for name in ("beating", "still")), *words)
    opened = [open_set(name, args) for name in args.sets]
    scored = score_all(opened, ["tiny"], args)
    assert [(score.name, score.true_bpm) for score in scored.scores] == [("1", BPM), ("2", None)]
    assert len(scored.revisions) == 1
    assert score_all(opened, ["tiny"], args) == scored
    for takes, score in zip(opened, scored.scores, strict=True):
        assert score.name in (args.out / "scores" / f"{takes.name}.jsonl").read_text()
        assert book_of(takes, args)


def test_no_set_has_no_scores(tiny_store: Path) -> None:
    assert score_all([], ["tiny"], options("--model-store", str(tiny_store))).scores == []
