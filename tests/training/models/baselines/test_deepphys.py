import torch

from tests.training.models.baselines.small import frames
from training.models.baselines import DeepPhys
from training.models.common import count_macs, count_parameters


def test_it_has_the_published_parameters() -> None:
    # 2 * (896 + 9,248 + 18,496 + 36,928) + 33 + 65 + (3,136 * 128 + 128) + 129
    assert count_parameters(DeepPhys()) == 532_899


def test_its_cost_is_that_of_its_layers() -> None:
    branch = 27 * 32 * 36**2 + 288 * 32 * 34**2 + 288 * 64 * 17**2 + 576 * 64 * 15**2
    assert count_macs(DeepPhys(), 1) == 2 * branch + 32 * 34**2 + 64 * 15**2 + 3136 * 128 + 128


@torch.no_grad()
def test_in_training_the_masks_of_a_still_face_are_the_same() -> None:
    net = DeepPhys().eval()
    x = frames(1).expand(9, 3, 36, 36)[None] * torch.linspace(1, 1.001, 9)[None, :, None, None, None]
    expected = net.clips(x)[0]
    net.training = True  # the layers inside stay in evaluation mode
    assert torch.allclose(net.clips(x)[0], expected, atol=1e-3)
