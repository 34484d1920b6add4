import pytest
import torch
from torch import nn

from training.models import MobileNetV3
from training.models.common import count_macs, count_parameters
from training.models.mobilenetv3 import appearance_encoder, motion_encoder


def counts(encoder: nn.Sequential) -> list[int]:
    return [count_parameters(layer) for layer in encoder if count_parameters(layer)]


def test_the_motion_encoder_is_table_1() -> None:
    assert counts(motion_encoder(0.1)) == [896, 18_496, 36_928]
    assert count_parameters(motion_encoder(0.1)) == 56_320


def test_the_appearance_encoder_is_table_3() -> None:
    assert counts(appearance_encoder()) == [896, 1_056, 18_496, 36_928, 65]
    assert count_parameters(appearance_encoder()) == 57_441


def test_it_has_a_quarter_of_a_million_parameters() -> None:
    assert 235_000 <= count_parameters(MobileNetV3()) <= 245_000


def test_its_cost_is_far_below_the_papers() -> None:
    assert count_macs(MobileNetV3(), 180) < 28.77e9 / 4


def test_encoders_meet_on_one_grid() -> None:
    x = torch.rand(2, 3, 36, 36)
    assert motion_encoder(0.1)(x).shape == (2, 64, 16, 16)
    assert appearance_encoder()(x).shape == (2, 1, 16, 16)


def test_it_looks_three_frames_ahead() -> None:
    assert MobileNetV3.lag == 3
    assert MobileNetV3().eval()(torch.rand(4, 3, 36, 36)).shape == (1,)


def test_a_changed_encoder_is_not_folded_blindly() -> None:
    net = MobileNetV3()
    net.motion[0] = nn.Identity()
    with pytest.raises(TypeError, match="changed"):
        net.deployed()
