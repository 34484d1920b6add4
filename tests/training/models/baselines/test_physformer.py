import pytest
import torch
from torch.nn import functional as F

from service.pipeline.types import InputSpec
from tests.training.models.baselines.small import SmallPhysFormer
from training.models.baselines import PhysFormer
from training.models.baselines.physformer import TemporalDifference, context
from training.models.common import count_macs, count_parameters

# query and key 2 * (96*96*27 + 192), value 96*96, projection 97*96, two norms of 192; hidden 96*144 + 27*144 + 144*96
# and norms of 288, 288, 192
BLOCK = 2 * (248_832 + 192) + 9_216 + 9_312 + 2 * 192 + 13_824 + 3_888 + 13_824 + 768
# stem 3*24*25+24, 24*48*27+48, 48*96*27+96 and norms; tubes 96*96*64+96; head 96*96*3+96, 96*48*3+48 and norms; 49
REST = 1_824 + 48 + 31_152 + 96 + 124_512 + 192 + 589_920 + 27_744 + 192 + 13_872 + 96 + 49


def test_it_has_the_published_parameters() -> None:
    assert count_parameters(PhysFormer()) == 12 * BLOCK + REST == 7_380_865


@pytest.mark.parametrize("size", [36, 72, 128])
def test_the_crop_changes_no_parameter(size: int) -> None:
    assert count_parameters(SmallPhysFormer(size)) == BLOCK + REST


def test_it_sees_about_as_much_as_the_published_clips_hold() -> None:
    # 1 difference, 2 * 2 stem, 3 tube, 12 * (2 + 8 + 2) blocks, 2 * 2 head
    assert PhysFormer.spec(30.0) == InputSpec(36, 30.0, lag=156, past=78, future=78)
    assert context(12) == 78


def test_its_cost_is_that_of_its_layers() -> None:
    stem = 75 * 24 * 36**2 + (24 * 48 * 27 + 48 * 96 * 27) * 18**2
    token = 2 * 248_832 + 2 * 9_216 + 2 * 13_824 + 3_888 + 2 * 96 * 9 * 16  # the last: attention to 9 frames of 16
    head = 96 * 96 * 3 + 96 * 48 * 3
    assert count_macs(SmallPhysFormer(), 1) == stem + 16 * (96 * 96 * 64 + token + head) + 48


def test_a_temporal_difference_is_the_published_one() -> None:
    torch.manual_seed(0)
    layer, x = TemporalDifference(96), torch.randn(1, 96, 5, 4, 4)
    outer = layer.weight[:, :, [0, 2]].sum(dim=(2, 3, 4))[:, :, None, None, None]
    expected = F.conv3d(x, layer.weight, padding=(0, 1, 1)) - 0.7 * F.conv3d(x[:, :, 1:-1], outer)
    assert torch.allclose(layer(x), expected, atol=1e-4)


def test_a_folded_difference_does_the_same() -> None:
    torch.manual_seed(0)
    layer, x = TemporalDifference(96).eval(), torch.randn(1, 96, 5, 4, 4)
    before = layer(x)
    layer.fold()
    assert torch.allclose(layer(x), before, atol=1e-5)
