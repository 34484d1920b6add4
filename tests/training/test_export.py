from pathlib import Path

import pytest
import torch

from service.pipeline.manifest import ModelStore, read_manifest
from training.checkpoint import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.export import ExportFailed, Release, main, release
from training.models import MODELS

WHAT = Release("student", "1.2.3", "clips made by the test")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("run")
    net = MODELS["student"]()
    history = [{"step": 5.0, "elapsed_s": 1.0, "band_r": 0.5, "bpm_mae": 4.0, "clips": 2.0}]
    engine = {"average": net.state_dict(), "steps": 5}
    save_checkpoint(folder, {"config": TrainConfig("student", 5).to_dict(), "engine": engine, "history": history})
    return folder


def test_a_release_is_complete_and_opens_in_the_service(run: Path, tmp_path: Path) -> None:
    folder = release(run, tmp_path, WHAT)
    manifest = read_manifest(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["CARD.md", "manifest.json", "model.onnx"]
    assert (manifest.folder, manifest.parameters, manifest.input_spec.lag) == ("student-1.2.3", 24_769, 1)
    assert manifest.metrics["validation_bpm_mae"] == 4
    assert ModelStore(tmp_path).default == "student"


def test_other_weights_begin_without_the_figures_of_the_old_ones(run: Path, tmp_path: Path) -> None:
    folder = release(run, tmp_path, WHAT)
    manifest = read_manifest(folder)
    manifest.model_copy(update={"metrics": {**manifest.metrics, "test_bpm_mae": 3.0, "cpu_ms_per_frame": 0.1}}).write(
        folder
    )
    release(run, tmp_path, WHAT, replace=True)
    assert read_manifest(folder).metrics == manifest.metrics


def test_the_card_says_what_it_learned_from(run: Path, tmp_path: Path) -> None:
    card = (release(run, tmp_path, WHAT) / "CARD.md").read_text()
    assert "clips made by the test" in card
    assert "24,769 parameters" in card


def test_the_recipe_names_what_training_went_on_from(run: Path, tmp_path: Path) -> None:
    state = load_checkpoint(run)
    save_checkpoint(tmp_path / "on", {**state, "config": {**state["config"], "start": "student-1.0.0"}})
    recipe = read_manifest(release(tmp_path / "on", tmp_path / "store", WHAT)).training.recipe
    assert recipe == "python -m training.train student: loss band, 5 steps from student-1.0.0"


def test_a_released_version_does_not_change(run: Path, tmp_path: Path) -> None:
    release(run, tmp_path, WHAT)
    with pytest.raises(ExportFailed, match="exists"):
        release(run, tmp_path, WHAT)
    release(run, tmp_path, WHAT, replace=True)


def test_the_command(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(run), "--name", "student", "--version", "2.0.0", "--store", str(tmp_path)]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "student-2.0.0" in capsys.readouterr().out
    assert main([str(tmp_path / "no-run"), *arguments[1:], "--replace"]) == 2
