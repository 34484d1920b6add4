import torch

from tests.training.models.baselines.small import frames
from training.models.baselines import ResNet18
from training.models.common import count_macs, count_parameters

# A stage of two blocks, n to m channels: 9nm + 27mm and, where the width changes, nm around; four norms (five) of 2m
CONVS = 147 * 64 + 36 * 64 * 64 + sum(9 * n * 2 * n + 27 * 4 * n * n + 2 * n * n for n in (64, 128, 256))
NORMS = 2 * 64 + 8 * 64 + 10 * (128 + 256 + 512)


def test_with_imagenets_classes_it_has_the_published_parameters() -> None:
    assert count_parameters(ResNet18(outputs=1000)) == CONVS + NORMS + 513 * 1000 == 11_689_512


def test_with_one_output_it_is_smaller_by_the_classes() -> None:
    assert count_parameters(ResNet18()) == CONVS + NORMS + 513 == 11_177_025


def test_its_cost_is_that_of_its_layers() -> None:
    # sides 18, 9, 9, 5, 3, 2
    stages = 36 * 64 * 64 * 81 + sum((18 + 108 + 2) * n * n * side**2 for n, side in ((64, 5), (128, 3), (256, 2)))
    assert count_macs(ResNet18(), 1) == 147 * 64 * 324 + stages + 512


def test_its_last_map_is_small() -> None:
    samples, (last,) = ResNet18().pairs(frames(2), frames(2, seed=1))
    assert (samples.shape, last.shape) == (torch.Size([2]), torch.Size([2, 512, 2, 2]))
