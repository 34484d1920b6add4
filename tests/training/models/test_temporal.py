"""The network of windows: what it sees, what it costs, that it serves live."""

import pytest
import torch

from service.pipeline.types import InputSpec
from training.models import MODELS, Temporal
from training.models.common import count_macs, count_parameters
from training.models.temporal import FUTURE, PAST

FPS = 30.0


def frames(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    still = torch.rand(1, 3, 36, 36, generator=generator) * 0.6 + 0.2
    return (still + 0.01 * torch.randn(count, 3, 36, 36, generator=generator)).clamp(0, 1)


def test_it_is_small_and_costs_less_than_the_mobile_network() -> None:
    net, other = Temporal(), MODELS["mobilenetv3"]()
    assert count_parameters(net) < 500_000
    assert count_macs(net, 1) < count_macs(other, 1)


def test_it_looks_at_most_a_second_ahead() -> None:
    assert FUTURE <= FPS
    assert Temporal.spec(FPS) == InputSpec(36, FPS, PAST + FUTURE, PAST, FUTURE)


def test_a_sample_sees_all_of_its_window_and_nothing_else() -> None:
    net = Temporal().eval()
    x = frames(PAST + FUTURE + 3).requires_grad_()
    net(x)[1].backward()
    assert x.grad is not None
    seen = x.grad.abs().amax(dim=(1, 2, 3)) > 0
    assert seen.nonzero()[:, 0].tolist() == list(range(1, PAST + FUTURE + 2))


@torch.no_grad()
def test_chunks_give_the_samples_of_the_whole() -> None:
    net = Temporal().eval()
    x = frames(PAST + FUTURE + 40)
    parts = torch.cat([net(x[: PAST + FUTURE + 25]), net(x[25:])])
    assert torch.allclose(net(x), parts, atol=1e-5)


@torch.no_grad()
def test_a_brighter_lamp_changes_little() -> None:
    net = Temporal().eval()
    x = frames(PAST + FUTURE + 20)
    assert torch.allclose(net(x), net(0.8 * x), atol=0.05 * float(net(x).abs().max()))


def test_it_has_no_pairs() -> None:
    with pytest.raises(TypeError):
        Temporal().pairs(frames(1), frames(1))


@torch.no_grad()
def test_what_is_deployed_says_the_same() -> None:
    torch.manual_seed(0)
    net = Temporal()
    for norm in (net.norm1, net.norm2):
        norm.running_mean = 0.1 * torch.randn(norm.num_features)
        norm.running_var = 0.5 + torch.rand(norm.num_features)
    x = frames(PAST + FUTURE + 10)
    expected = net.eval()(x)
    assert float(expected.std()) > 0
    assert torch.allclose(net.deployed()(x), expected, atol=1e-5)


@torch.no_grad()
def test_a_sum_of_changes_is_a_wave_against_its_mean() -> None:
    wave = torch.randn(1, 2, 200).cumsum(2)
    summed = Temporal()._summed(wave.diff())
    mean = torch.nn.functional.avg_pool1d(wave, 43, stride=1)
    assert torch.allclose(summed, 0.2 * (wave[:, :, 30:-12] - mean), atol=1e-4)


def test_what_never_moves_says_the_same_all_the_time() -> None:
    net = Temporal().eval()
    still = frames(1).expand(PAST + FUTURE + 5, -1, -1, -1)
    with torch.no_grad():
        assert float(net(still).std()) < 1e-5


def test_in_training_looks_are_shared_and_every_part_learns() -> None:
    net = Temporal().train()
    samples, maps = net.clips(frames(PAST + FUTURE + 9)[None])
    assert samples.shape == (1, 9)
    assert maps == ()
    samples.square().mean().backward()  # type: ignore[no-untyped-call]
    assert all(part.grad is not None and bool(part.grad.isfinite().all()) for part in net.parameters())
