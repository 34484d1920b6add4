import json
from pathlib import Path

import pytest

from tests.service.pipeline.renders import BPM
from tests.training.videos import write_case
from training.datasets.splits import seeds_of
from training.evaluate import main

SEEDS = seeds_of("test", 2)


def options(videos: Path, store: Path, out: Path, clips: int) -> list[str]:
    common = ["--clips", str(clips), "--duration-s", "6", "--jobs", "1", "--models", "tiny", "pos"]
    return [*common, "--videos", str(videos), "--model-store", str(store), "--out", str(out)]


def wall(folder: Path) -> Path:
    """Return a file that the service refuses."""
    path = folder / "wall"
    path.write_bytes(b"no video")
    return path


def test_the_command_leaves_tables_scores_and_a_plot(
    face_video: Path, tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, video in zip(SEEDS, (face_video, wall(tmp_path)), strict=True):
        write_case(tmp_path / "videos" / "test-6s-drawn", seed, video, BPM)
    out = tmp_path / "out"
    assert main(options(tmp_path / "videos", tiny_store, out, 2)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["errors.png", "scores.jsonl", "tables.md"]
    lines = [json.loads(line)["score"] for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [(line["name"], line["model"]) for line in lines] == [(str(s), m) for s in SEEDS for m in ("tiny", "pos")]
    text = capsys.readouterr().out
    assert "2 rendered videos" in text
    assert "1 refused" in text
    assert "by skin tone" in text


def test_nothing_to_score_is_an_error_in_words(
    tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(tmp_path / "videos" / "test-6s-drawn", SEEDS[0], wall(tmp_path), BPM)
    assert main(options(tmp_path / "videos", tiny_store, tmp_path / "out", 1)) == 2
    assert "refused" in capsys.readouterr().err
