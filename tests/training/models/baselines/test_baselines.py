"""What all baselines share with the networks that are released."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from service.pipeline.infer import OnnxPulseModel
from service.pipeline.pulse import DEFAULT_CALIBRATION
from service.pipeline.types import Clip
from tests.training.models.baselines.small import SMALL, frames
from training.batches import TrainingBatches
from training.clips import ClipFolder
from training.config import NO_AUGMENT, TrainConfig, loss_weights
from training.engine import Engine
from training.export import Release, release
from training.losses import Criterion
from training.models import BASELINES, MODELS, NETWORKS, PulseNet
from training.train import Data, Run

NAMES = sorted(BASELINES)


def settled(name: str) -> PulseNet:
    """Return a network whose norms have seen something."""
    torch.manual_seed(1)
    net = SMALL[name]()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.2, 0.5)
    return net.eval()


def test_they_stand_beside_the_released_networks() -> None:
    assert NAMES == ["deepphys", "physformer", "physnet", "resnet18", "ts_can"]
    assert NETWORKS == MODELS | BASELINES
    assert not set(MODELS) & set(BASELINES)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_chunks_give_the_samples_of_the_whole(name: str) -> None:
    net = settled(name)
    x = frames(net.lag + 7)
    whole = net(x)
    assert whole.shape == (7,)
    assert whole.std() > 1e-4
    assert torch.allclose(whole, torch.cat([net(x[: net.lag + 3]), net(x[3:])]), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_sees_all_of_its_window_and_nothing_else(name: str) -> None:
    net = settled(name)
    x = frames(net.lag + 3).requires_grad_()
    net(x)[1].backward()
    assert x.grad is not None
    seen = (x.grad.abs().amax(dim=(1, 2, 3)) > 0).nonzero()[:, 0].tolist()
    assert seen == list(range(1, net.lag + 2))


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_clips_are_not_mixed(name: str) -> None:
    net = settled(name)
    clips = torch.stack([frames(net.lag + 4, seed=1), frames(net.lag + 4, seed=2)])
    samples, _ = net.clips(clips)
    assert torch.allclose(samples, torch.stack([net(clips[0]), net(clips[1])]), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_the_deployed_network_is_the_same_function(name: str) -> None:
    net = settled(name)
    x = frames(net.lag + 5, seed=7)
    assert torch.allclose(net.deployed()(x), net(x), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_light_does_not_matter(name: str) -> None:
    net = settled(name)
    x = frames(net.lag + 5)
    with torch.no_grad():
        assert torch.allclose(net(x), net(0.8 * x), atol=0.1 * float(net(x).abs().max()))


@pytest.mark.parametrize(("name", "steps"), [("ts_can", 12), ("physnet", 6)])
def test_they_learn_a_small_set(clips: Path, name: str, steps: int) -> None:
    torch.manual_seed(0)
    net = NETWORKS[name]()
    criterion = Criterion(loss_weights("band", net.kind))
    trained = Engine(net, TrainConfig(name, steps), criterion, device=torch.device("cpu"))
    row = TrainingBatches(ClipFolder(clips), spec=net.spec(30.0), batch_clips=1, seed=0, kind=net.kind)
    row.augmented_by(NO_AUGMENT)
    totals = [trained.step(next(row), i / steps)["total"] for i in range(steps)]
    assert min(totals[-3:]) < 0.7 * totals[0]


def test_norms_over_time_are_slow_and_frozen_too() -> None:
    net = SMALL["physnet"]()
    Engine(net, TrainConfig("physnet", 1), Criterion({}), device=torch.device("cpu"))
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm3d)]
    assert norms
    assert all(norm.momentum == pytest.approx(0.03) for norm in norms)


def test_a_run_of_one_is_released_and_served_like_any_other(clips: Path, tmp_path: Path) -> None:
    run = Run(TrainConfig("ts_can", 1, batch_clips=1), Data(ClipFolder(clips), None), tmp_path / "run")
    run.go(quiet=True)
    folder = release(tmp_path / "run", tmp_path / "store", Release("ts_can", "0.0.1", "clips made by the test"))
    stream = OnnxPulseModel(folder, default_calibration=DEFAULT_CALIBRATION).stream()
    rgb = frames(40).numpy()
    for begin in (0, 13):
        part = rgb[begin : 13 if begin == 0 else 40]
        stream.push(Clip(part, np.ones(len(part), bool), begin / 30, 30.0))
    pulse = stream.finish()
    assert (len(pulse.samples), pulse.kind) == (40, "derivative")
