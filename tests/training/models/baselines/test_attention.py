import pytest
import torch

from training.models.baselines.attention import AttentionNetwork
from training.models.common import count_parameters

# A branch: 3*32*9 + 32, 32*32*9 + 32, 32*64*9 + 64, 64*64*9 + 64
BRANCH = [896, 9_248, 18_496, 36_928]


def test_its_branches_have_the_published_layers() -> None:
    net = AttentionNetwork(36)
    motion = (net.motion1, net.motion2, net.motion3, net.motion4)
    appearance = (net.appearance1, net.appearance2, net.appearance3, net.appearance4)
    assert [count_parameters(layer) for layer in motion] == BRANCH
    assert [count_parameters(layer) for layer in appearance] == BRANCH
    assert [count_parameters(layer) for layer in (net.mask1, net.mask2)] == [33, 65]


# sides: 36 -> 34 -> 17 -> 15 -> 7; 72 -> 70 -> 35 -> 33 -> 16
@pytest.mark.parametrize(("size", "hidden"), [(36, 7 * 7 * 64 * 128 + 128), (72, 16 * 16 * 64 * 128 + 128)])
def test_the_hidden_layer_grows_with_the_crop(size: int, hidden: int) -> None:
    net = AttentionNetwork(size)
    assert count_parameters(net.hidden) == hidden
    assert count_parameters(net) == 2 * sum(BRANCH) + 33 + 65 + hidden + 129


def test_its_maps_and_masks_meet() -> None:
    net, x = AttentionNetwork(36), torch.rand(2, 3, 36, 36)
    masks = net.masks(x)
    samples, (middle, last) = net.regress(x, masks)
    assert [tuple(mask.shape) for mask in masks] == [(2, 1, 34, 34), (2, 1, 15, 15)]
    assert (samples.shape, middle.shape, last.shape) == ((2,), (2, 32, 17, 17), (2, 64, 7, 7))
