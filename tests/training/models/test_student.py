import torch

from training.models import Student
from training.models.common import count_macs, count_parameters


def test_it_has_the_papers_parameters() -> None:
    assert count_parameters(Student()) == 24_769


def test_its_layers_have_the_derived_parameters() -> None:
    net = Student()
    layers = (net.conv1, net.norm1, net.conv2, net.norm2, net.out)
    assert [count_parameters(layer) for layer in layers] == [896, 64, 18_496, 128, 5_185]


def test_its_pooled_convolutions_save_more_than_half() -> None:
    assert count_macs(Student(), 1) == 48 * 32 * 18 * 18 + 512 * 64 * 9 * 9 + 5184


def test_its_maps_have_the_teachers_grids() -> None:
    _, (middle, last) = Student().pairs(torch.rand(2, 3, 36, 36), torch.rand(2, 3, 36, 36))
    assert middle.shape == (2, 32, 18, 18)
    assert last.shape == (2, 64, 9, 9)
