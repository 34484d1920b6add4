"""Figures by command, on a store of small models and a set of two short videos."""

import json
from pathlib import Path

import pytest

from service.pipeline.manifest import ModelStore, file_sha256
from tests.service.pipeline.renders import BPM
from tests.service.pipeline.tiny_models import write_active, write_green_model, write_window_model
from tests.training.test_tables import SCORES
from tests.training.videos import STORE, write_case
from training.publish import accuracy_metrics, main


def test_the_figures_are_those_of_the_manifests_readers() -> None:
    figures = accuracy_metrics([score for score in SCORES if score.model == "student"])
    assert figures == {"test_videos": 3, "test_bpm_mae": 8, "test_ok_share": 0.6667, "test_ok_bpm_mae": 2}


def test_an_error_of_no_answer_is_no_figure() -> None:
    assert "test_ok_bpm_mae" not in accuracy_metrics(SCORES[2:3])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with a model of pairs, one of windows, and the face detector."""
    folder = tmp_path / "store"
    write_green_model(folder)
    write_window_model(folder)
    (folder / "face-1.0.0").symlink_to(STORE / "face-1.0.0")
    write_active(folder, "tiny", ["tiny", "window", "face"])
    return folder


def options(store: Path, out: Path) -> list[str]:
    return ["--model-store", str(store), "--out", str(out), "--jobs", "1"]


def test_scores_get_into_manifests_and_cards(store: Path, face_video: Path, tmp_path: Path) -> None:
    weights = file_sha256(store / "tiny-1.0.0" / "model.onnx")
    for seed, bpm in ((1, BPM), (2, BPM + 40)):
        write_case(tmp_path / "set", seed, face_video, bpm)
    assert main([f"rendered={tmp_path / 'set'}", *options(store, tmp_path / "out")]) == 0
    for name in ("tiny", "window"):
        manifest = ModelStore(store).manifest(name)
        assert manifest.metrics["test_videos"] == 2
        assert manifest.metrics["cpu_ms_per_frame"] > 0
        assert "| motion | still | 2 |" in (store / manifest.folder / "CARD.md").read_text()
    assert ModelStore(store).manifest("tiny").metrics["test_bpm_mae"] == pytest.approx(20, abs=2)
    assert file_sha256(store / "tiny-1.0.0" / "model.onnx") == weights


def test_a_card_names_the_revisions_of_its_own_models_scores(store: Path, face_video: Path, tmp_path: Path) -> None:
    write_case(tmp_path / "set", 1, face_video, BPM)
    command = [f"rendered={tmp_path / 'set'}", *options(store, tmp_path / "out")]
    assert main(command) == 0
    (book,) = (tmp_path / "out").rglob("*.jsonl")
    kept = [json.loads(line) for line in book.read_text().splitlines()]
    older = [entry | ({"revision": "0" * 40} if entry["score"]["model"] == "tiny" else {}) for entry in kept]
    book.write_text("".join(f"{json.dumps(entry)}\n" for entry in older))
    assert main(command) == 0
    named = {name: "0" * 12 in (store / f"{name}-1.0.0" / "CARD.md").read_text() for name in ("tiny", "window")}
    assert named == {"tiny": True, "window": False}


def test_without_a_set_the_accuracy_stays(store: Path, tmp_path: Path) -> None:
    opened = ModelStore(store)
    old = {"test_ok_share": 0.43, "cpu_ms_per_frame": 1e6}
    opened.manifest("tiny").model_copy(update={"metrics": old}).write(opened.folder("tiny"))
    assert main(options(store, tmp_path)) == 0
    metrics = opened.manifest("tiny").metrics
    assert metrics["test_ok_share"] == 0.43
    assert 0 < metrics["cpu_ms_per_frame"] < 1e6
    assert "No scores were at hand" in (opened.folder("tiny") / "CARD.md").read_text()


def test_one_model_alone(store: Path, tmp_path: Path) -> None:
    assert main(["--models", "window", *options(store, tmp_path)]) == 0
    assert ModelStore(store).manifest("window").metrics
    assert not ModelStore(store).manifest("tiny").metrics


def test_a_classical_method_has_no_manifest(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--models", "pos", *options(store, tmp_path)]) == 2
    assert "tiny, window" in capsys.readouterr().err


def test_a_set_without_answers_changes_nothing(
    store: Path, pulseless_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (store / "tiny-1.0.0" / "manifest.json").read_text()
    write_case(tmp_path / "still", 1, pulseless_video, None)
    assert main([f"rendered={tmp_path / 'still'}", *options(store, tmp_path / "out")]) == 2
    assert "no answer" in capsys.readouterr().err
    assert main(["nobody=here", *options(store, tmp_path)]) == 2
    assert (store / "tiny-1.0.0" / "manifest.json").read_text() == before


def test_the_released_models_have_cards_of_their_manifests() -> None:
    if not (STORE / "active.json").exists():
        pytest.skip("no model is released")
    for manifest in ModelStore(STORE).pulse_models():
        card = (STORE / manifest.folder / "CARD.md").read_text()
        assert manifest.info.sha256 in card
        assert all(f"| `{name}` | {value:g} |" in card for name, value in manifest.metrics.items())
