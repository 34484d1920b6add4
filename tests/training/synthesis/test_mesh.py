from dataclasses import replace

import numpy as np
import pytest

from training.synthesis.mesh import FaceMesh, Pose
from training.synthesis.skin import FacePoints, Floats

POINTS = FacePoints.from_eyes((120.0, 110.0), (180.0, 110.0))
REST = Pose(x=0, y=0, roll=0, yaw=0, pitch=0, zoom=1, jaw=0, lid=0)
MESH = FaceMesh(POINTS, (20.0, 10.0), (20, 10, 320, 330))


def _maps(**changes: float) -> Floats:
    return MESH.maps(replace(REST, **changes))


def _at(maps: Floats, point: tuple[float, float]) -> tuple[float, float]:
    x, y = maps[int(point[1]), int(point[0])]
    return float(x), float(y)


def test_at_rest_every_pixel_looks_at_itself() -> None:
    y, x = np.mgrid[:320, :300]
    inside = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(_maps()[..., 0][inside], x[inside], atol=1e-2)
    np.testing.assert_allclose(_maps()[..., 1][inside], y[inside], atol=1e-2)


def test_a_shift_moves_the_head_as_far_as_said() -> None:
    x, y = _at(_maps(x=5.0, y=-3.0), (150, 130))
    assert (x, y) == pytest.approx((145, 133), abs=0.05)


def test_shoulders_follow_less() -> None:
    x, _ = _at(_maps(x=10.0), (150, 310))
    assert 150 - x < 5


def test_turning_moves_the_nose_more_than_the_ears() -> None:
    maps = _maps(yaw=0.3)
    nose = 150 - _at(maps, (150, 140))[0]
    ear = abs(150 + 1.4 * POINTS.half_width - _at(maps, (150 + 1.4 * POINTS.half_width, 140))[0])
    assert nose > 8
    assert ear < 0.6 * nose


def test_opening_the_jaw_moves_the_chin_down_and_leaves_the_eyes() -> None:
    maps = _maps(jaw=1.0)
    assert _at(maps, POINTS.chin)[1] < POINTS.chin[1] - 3
    assert _at(maps, POINTS.left_eye) == pytest.approx(tuple(int(value) for value in POINTS.left_eye), abs=0.1)


def test_zoom_makes_the_head_larger() -> None:
    wide = _at(_maps(zoom=1.1), (190, 130))[0] - _at(_maps(zoom=1.1), (110, 130))[0]
    assert wide == pytest.approx(80 / 1.1, abs=1)
