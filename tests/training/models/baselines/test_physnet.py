import pytest

from service.pipeline.types import InputSpec
from tests.training.models.baselines.small import frames
from training.models.baselines import PhysNet
from training.models.common import count_macs, count_parameters


def test_it_has_the_published_parameters() -> None:
    # 3*16*25+16, 16*32*27+32, 32*64*27+64, six of 64*64*27+64, two of 64*64*4+64; norms of 2 per channel; 65
    convs = 1_216 + 13_856 + 55_360 + 6 * 110_656 + 2 * 16_448
    assert count_parameters(PhysNet()) == convs + 2 * (16 + 32 + 9 * 64) + 65 == 768_577


def test_it_sees_58_frames() -> None:
    # 1 for the difference; 2 * (1+1+2+2+4+4+4+4) for the kernels, 1 + 2 for the poolings, 3 * (2+1) for the decoder
    assert PhysNet.spec(30.0) == InputSpec(36, 30.0, lag=57, past=28, future=29)


def test_its_cost_is_that_of_its_layers() -> None:
    # sides 36, 18, 18, 9, 9, 4, 4, 2, 2; no frame is skipped
    wide = 64 * 64 * 27
    encoder = 75 * 16 * 36**2 + (16 * 32 * 27 + 32 * 64 * 27) * 18**2 + wide * 2 * (9**2 + 4**2 + 2**2)
    assert count_macs(PhysNet(), 1) == encoder + 2 * 64 * 64 * 4 * 2**2 + 64


def test_it_has_no_pairs() -> None:
    with pytest.raises(TypeError, match="PhysNet"):
        PhysNet().pairs(frames(1), frames(1))
