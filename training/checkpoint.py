"""A run on disk: one file from which training goes on exactly, and from which the network is exported."""

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from training.config import TrainConfig
from training.models import NETWORKS, PulseNet

CHECKPOINT = "checkpoint.pt"


class RunInvalid(Exception):
    """A run folder holds no checkpoint that this version reads."""


def save_checkpoint(run: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) and the random generators' states, replacing the last in one move."""
    run.mkdir(parents=True, exist_ok=True)
    partial = run / f".{CHECKPOINT}.partial"
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    torch.save({**state, "rng": torch.get_rng_state(), "cuda_rng": cuda}, partial)
    os.replace(partial, run / CHECKPOINT)


def load_checkpoint(run: Path, *, restore_rng: bool = False) -> dict[str, Any]:
    """Read the state that save_checkpoint wrote. Raises RunInvalid."""
    try:
        state: dict[str, Any] = torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        raise RunInvalid(f"{run.name} holds no readable {CHECKPOINT}") from error
    if restore_rng:
        torch.set_rng_state(state["rng"])
        if torch.cuda.is_available() and state["cuda_rng"]:
            torch.cuda.set_rng_state_all(state["cuda_rng"][: torch.cuda.device_count()])
    return state


def load_average(run: Path) -> tuple[PulseNet, TrainConfig]:
    """Rebuild the averaged network of a run, in evaluation mode, and its configuration. Raises RunInvalid."""
    state = load_checkpoint(run)
    config = TrainConfig.from_dict(state["config"])
    if config.model not in NETWORKS:
        raise RunInvalid(f"{run.name} trains {config.model}, which does not exist")
    net = NETWORKS[config.model]()
    net.load_state_dict(state["engine"]["average"])
    return net.eval(), config
