import pytest
import torch
from torch import nn
from torch.nn import functional as F

from training.models import MODELS, PulseNet
from training.models.common import (
    PooledConv2d,
    count_macs,
    fold_norm,
    macs,
    motion_difference,
    shift,
    sparsely,
    standardise,
)

PAIRS = sorted(name for name in MODELS if not MODELS[name]().spec(30.0).windowed)


def frames(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    still = torch.rand(1, 3, 36, 36, generator=generator) * 0.6 + 0.2
    return (still + 0.01 * torch.randn(count, 3, 36, 36, generator=generator)).clamp(0, 1)


def test_motion_does_not_depend_on_the_strength_of_the_light() -> None:
    a, b = frames(2)
    assert torch.allclose(motion_difference(a, b), motion_difference(a / 2, b / 2), atol=0.01)


def test_motion_is_the_difference_over_the_sum() -> None:
    a, b = torch.full((1, 3, 2, 2), 0.500), torch.full((1, 3, 2, 2), 0.505)
    assert torch.allclose(motion_difference(a, b), torch.tensor(100 * 0.005 / 1.006), atol=1e-4)


def test_motion_is_clamped_and_black_is_no_motion() -> None:
    black, white = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert motion_difference(black, white).max() == pytest.approx(3.0)
    assert motion_difference(black, black).abs().max() == 0


def test_standardised_frames_have_no_mean_and_unit_deviation() -> None:
    x = standardise(frames(3))
    assert x.mean(dim=(2, 3)).abs().max() < 1e-5
    assert (x.std(dim=(2, 3)) - 1).abs().max() < 0.01


def test_a_flat_frame_stays_finite() -> None:
    assert standardise(torch.full((1, 3, 4, 4), 0.3)).abs().max() < 1e-3


def test_pooled_convolution_is_convolution_then_pooling() -> None:
    torch.manual_seed(0)
    pooled, x = PooledConv2d(3, 5), torch.randn(2, 3, 8, 8)
    expected = F.avg_pool2d(F.conv2d(x, pooled.weight, pooled.bias, padding=1), 2)
    assert torch.allclose(pooled(x), expected, atol=1e-6)


def test_a_folded_norm_does_the_same() -> None:
    torch.manual_seed(0)
    conv, norm, x = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), torch.randn(2, 3, 6, 6)
    nn.init.uniform_(norm.weight)
    norm(conv(torch.randn(8, 3, 6, 6)))
    assert conv.bias is not None
    assert torch.allclose(F.conv2d(x, *fold_norm(conv.weight, conv.bias, norm)), norm.eval()(conv(x)), atol=1e-6)


def test_a_norm_without_statistics_is_refused() -> None:
    with pytest.raises(ValueError, match="statistics"):
        fold_norm(torch.ones(1, 1, 1, 1), torch.ones(1), nn.BatchNorm2d(1, track_running_stats=False))


def settle(name: str) -> nn.Module:
    """Return a network whose norms have seen something, so that folding them can go wrong."""
    torch.manual_seed(1)
    net = MODELS[name]()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.2, 0.5)
            nn.init.uniform_(layer.weight, 0.5, 2)
    return net.eval()


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_batch_chunks_and_single_pairs_give_the_same_samples(name: str) -> None:
    net, x, lag = settle(name), frames(12), MODELS[name]().lag
    whole = net(x)
    chunks = torch.cat([net(x[:7]), net(x[7 - lag :])])
    singles = torch.cat([net(x[[i, *range(i + 1, i + lag + 1)]]) for i in range(len(x) - lag)])
    assert whole.shape == (12 - lag,)
    assert torch.allclose(whole, chunks, atol=1e-5)
    assert torch.allclose(whole, singles, atol=1e-5)


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_a_sample_depends_on_its_two_frames_alone(name: str) -> None:
    net, x, lag = settle(name), frames(8), MODELS[name]().lag
    changed = x.clone()
    changed[lag + 1 :] = frames(7 - lag, seed=5)
    assert torch.allclose(net(x)[0], net(changed)[0], atol=1e-6)


@pytest.mark.parametrize("name", sorted(MODELS))
@torch.no_grad()
def test_clips_are_not_mixed(name: str) -> None:
    net = MODELS[name]().eval()
    clips = torch.stack([frames(net.lag + 5, seed=1), frames(net.lag + 5, seed=2)])
    samples, _ = net.clips(clips)
    assert torch.allclose(samples, torch.stack([net(clips[0]), net(clips[1])]), atol=1e-5)


@pytest.mark.parametrize("name", sorted(MODELS))
@torch.no_grad()
def test_the_deployed_network_is_the_same_function(name: str) -> None:
    torch.manual_seed(0)
    net = MODELS[name]()
    net.train()
    for seed in range(3):
        net(frames(net.lag + 17, seed))
    net.eval()
    x = frames(net.lag + 8, seed=7)
    expected = net(x)
    assert expected.std() > 0
    assert (net.deployed()(x) - expected).abs().max() < 1e-4 * max(1.0, float(expected.abs().max()))


def test_counting_macs_leaves_the_network_as_it_was() -> None:
    net = MODELS["student"]().train()
    count_macs(net, 1)
    assert net.training
    assert net(frames(2)).isfinite().all()


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Linear(3, 5), (7, 3), 7 * 3 * 5),
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), (1, 4, 8, 8), 8 * 8 * 6 * 2 * 9),
        (nn.Conv3d(2, 3, (3, 1, 1)), (1, 2, 5, 4, 4), 3 * 4 * 4 * 3 * 2 * 3),
        (nn.ReLU(), (9,), 0),
    ],
)
def test_macs_are_those_of_the_formula(module: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert macs(module, shape) == expected


def test_matrix_products_count_too() -> None:
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(x @ x.transpose(1, 2), 2) @ x

    assert macs(Attention(), (2, 5, 3)) == 2 * 2 * 5 * 5 * 3


@pytest.mark.parametrize("count", [1, 3, 4, 9, 12])
def test_frames_share_the_look_at_one_in_their_midst(count: int) -> None:
    clips = torch.arange(2 * count).float().view(2, count, 1, 1, 1).expand(2, count, 3, 2, 2)
    (seen,) = sparsely(lambda frames: (frames[:, :1],), clips)
    assert seen.shape == (2 * count, 1, 2, 2)
    assert (seen[:, 0, 0, 0] - torch.arange(2 * count)).abs().max() <= 3
    assert len(set(seen[:, 0, 0, 0].tolist())) == 2 * -(-count // 4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_share_of_the_channels_comes_from_each_neighbour(layout: torch.memory_format) -> None:
    number = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 7, 2, 2)  # two clips of five frames
    maps = number.contiguous(memory_format=layout)
    shifted = shift(maps, batch=2, share=3)
    assert shifted[0, :, 0, 0].tolist() == [2, 2, 0, 0, 1, 1, 1]
    assert shifted[:, 4, 1, 1].tolist() == [1, 2, 3, 6, 7, 8]
    assert shifted.is_contiguous(memory_format=layout)  # nothing to lay out anew


def test_both_layouts_are_shifted_alike() -> None:
    maps = torch.randn(12, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    laid_out = maps.contiguous(memory_format=torch.channels_last)
    assert torch.equal(shift(maps, batch=3, share=4), shift(laid_out, batch=3, share=4))


@pytest.mark.parametrize("name", ["teacher", "mobilenetv3"])
@torch.no_grad()
def test_a_still_clip_gives_the_same_in_training(name: str) -> None:
    net = settle(name)
    assert isinstance(net, PulseNet)
    x = frames(1).expand(9, 3, 36, 36)[None] * torch.linspace(1, 1.001, 9)[None, :, None, None, None]
    expected = net.clips(x)[0]
    net.training = True  # the layers inside stay in evaluation mode
    assert torch.allclose(net.clips(x)[0], expected, atol=1e-3)
