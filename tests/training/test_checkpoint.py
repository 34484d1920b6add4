from pathlib import Path

import pytest
import torch

from training.checkpoint import CHECKPOINT, RunInvalid, load_average, load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.models import Student


def state(model: str = "student") -> dict[str, object]:
    return {"config": TrainConfig(model, 1).to_dict(), "engine": {"average": Student().state_dict(), "steps": 1}}


def test_the_average_comes_back(tmp_path: Path) -> None:
    saved = state()
    save_checkpoint(tmp_path / "run", saved)
    net, config = load_average(tmp_path / "run")
    assert config == TrainConfig("student", 1)
    assert not net.training
    assert torch.equal(net.state_dict()["out.weight"], saved["engine"]["average"]["out.weight"])  # type: ignore[index]


def test_random_numbers_go_on(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state())
    expected = torch.rand(3)
    load_checkpoint(tmp_path, restore_rng=True)
    assert torch.equal(torch.rand(3), expected)


def test_nothing_partial_is_left(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state())
    save_checkpoint(tmp_path, state())
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunInvalid, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere")


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK nothing")
    with pytest.raises(RunInvalid, match="no readable"):
        load_checkpoint(tmp_path)


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state("transformer"))
    with pytest.raises(RunInvalid, match="transformer"):
        load_average(tmp_path)
