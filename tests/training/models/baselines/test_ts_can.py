import pytest
import torch

from service.pipeline.types import InputSpec
from tests.training.models.baselines.small import frames
from training.models.baselines import TSCAN, DeepPhys
from training.models.common import count_macs, count_parameters


def test_shifting_adds_nothing_to_deepphys() -> None:
    assert count_parameters(TSCAN()) == count_parameters(DeepPhys()) == 532_899
    assert count_macs(TSCAN(), 1) == count_macs(DeepPhys(), 1)


def test_at_72_pixels_it_has_the_papers_parameters() -> None:
    # 2 * (896 + 9,248 + 18,496 + 36,928) + 33 + 65 + (16 * 16 * 64 * 128 + 128) + 129
    assert count_parameters(TSCAN(72)) == 2_228_643


def test_it_sees_windows() -> None:
    assert TSCAN.spec(30.0) == InputSpec(36, 30.0, lag=9, past=4, future=5)
    with pytest.raises(TypeError, match="windows"):
        TSCAN().pairs(frames(1), frames(1))


@torch.no_grad()
def test_a_third_of_the_channels_comes_from_each_neighbour() -> None:
    seen: list[torch.Tensor] = []
    net = TSCAN().eval()
    for layer in (net.network.motion1, net.network.motion2):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net.network.motion1.register_forward_hook(lambda _, inputs, output: seen.append(torch.tanh(output)))
    net.clips(frames(12)[None])
    _, before, shifted = seen
    assert torch.equal(shifted[:, :10], before[2:, :10])
    assert torch.equal(shifted[:, 10:20], before[:-2, 10:20])
    assert torch.equal(shifted[:, 20:], before[1:-1, 20:])


@torch.no_grad()
def test_in_training_the_masks_of_a_still_face_are_the_same() -> None:
    net = TSCAN().eval()
    x = frames(1).expand(16, 3, 36, 36)[None] * torch.linspace(1, 1.001, 16)[None, :, None, None, None]
    expected = net.clips(x)[0]
    net.training = True  # the layers inside stay in evaluation mode
    assert torch.allclose(net.clips(x)[0], expected, atol=1e-3)
