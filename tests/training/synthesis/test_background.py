import numpy as np
import pytest

from training.synthesis.background import BACKGROUNDS, make_background
from training.synthesis.skin import Floats

TIMES_S = np.arange(300) / 30
ONE = np.ones(3, np.float32)


def _draw(kind: str, index: int = 0, shift: tuple[float, float] = (0.0, 0.0), gain: Floats = ONE) -> Floats:
    frame = np.empty((96, 128, 3), np.float32)
    make_background(kind, 128, 96, TIMES_S, np.random.default_rng(0)).draw(frame, index, gain, shift)
    return frame


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_pixel_values_are_in_range_and_not_flat(kind: str) -> None:
    frame = _draw(kind)
    assert frame.min() >= 0
    assert frame.max() <= 255
    assert frame.std() > 1


def test_gain_is_a_factor_per_channel() -> None:
    np.testing.assert_allclose(
        _draw("room", gain=np.array([1, 0.5, 2], np.float32)), _draw("room") * [1, 0.5, 2], rtol=1e-5
    )


def test_only_moving_backgrounds_change() -> None:
    assert np.ptp([_draw("room", index).sum() for index in (0, 100)]) == 0
    assert np.ptp([_draw("moving", index).sum() for index in range(0, 300, 30)]) > 0


def test_a_shaking_camera_shifts_the_picture() -> None:
    np.testing.assert_allclose(_draw("room", shift=(3.0, 2.0))[2:, 3:], _draw("room")[:-2, :-3], atol=1e-2)
