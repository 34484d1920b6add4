import pytest
import torch

from training.models import Student, Teacher
from training.models.common import count_macs, count_parameters
from training.models.teacher import soft_attention


def test_it_has_the_papers_parameters() -> None:
    assert count_parameters(Teacher()) == 795_811


def test_its_parts_have_the_derived_parameters() -> None:
    net = Teacher()
    branch = (net.motion1, net.motion2, net.motion3, net.motion4)
    assert sum(map(count_parameters, branch)) == 65_568 + 384
    assert count_parameters(net.mask1) + count_parameters(net.mask2) == 98
    assert count_parameters(net.hidden) == 663_680
    assert count_parameters(net.out) == 129


def test_the_student_is_more_than_ten_times_cheaper() -> None:
    assert count_macs(Teacher(), 1) > 10 * count_macs(Student(), 1)


def test_its_maps_are_those_after_the_poolings() -> None:
    _, (middle, last) = Teacher().pairs(torch.rand(2, 3, 36, 36), torch.rand(2, 3, 36, 36))
    assert middle.shape == (2, 32, 18, 18)
    assert last.shape == (2, 64, 9, 9)


def test_the_mask_is_half_on_average() -> None:
    assert soft_attention(torch.randn(2, 1, 6, 6)).mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.5, 0.5])


def test_the_mask_follows_the_formula() -> None:
    logits = torch.randn(1, 1, 2, 2)
    mask = torch.sigmoid(logits)
    assert torch.allclose(soft_attention(logits), mask / (2 * mask.abs().sum()) * 4)


def test_a_scene_without_skin_differs_from_one_with_it_in_the_mask_alone() -> None:
    net = Teacher().eval()
    first, second = torch.rand(2, 1, 3, 36, 36)
    with torch.no_grad():
        same = net.pairs(first, second)[0]
        net.mask1.weight.zero_()
        net.mask2.weight.zero_()
        unmasked = net.pairs(first, second)[0]
    assert not torch.allclose(same, unmasked)
