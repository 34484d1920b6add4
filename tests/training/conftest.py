from pathlib import Path

import pytest
import torch

from tests.service.pipeline.renders import render_face
from tests.training.moving_colours import write_clips
from tests.training.videos import small_recipe, write_store


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), 8)


@pytest.fixture(scope="session")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return six seconds of a face at 78 bpm."""
    return render_face(tmp_path_factory.mktemp("face") / "pulse", small_recipe())


@pytest.fixture(scope="session")
def pulseless_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return six seconds of a face without a pulse."""
    return render_face(tmp_path_factory.mktemp("face") / "none", small_recipe(pulse=False))


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model store with a face detector and the model `tiny`."""
    return write_store(tmp_path_factory.mktemp("store"))
