from dataclasses import replace

import numpy as np
import pytest

from tests.training.synthesis.clips import STEADY
from training.synthesis.faces import DrawnFaces
from training.synthesis.light import LightSettings
from training.synthesis.mesh import Pose
from training.synthesis.relief import GRID, PULSE_RGB, Relief
from training.synthesis.skin import Floats

FACE = DrawnFaces().load("drawn_002", "neutral")
REST = Pose(x=0, y=0, roll=0, yaw=0, pitch=0, zoom=1, jaw=0, lid=0)
ONE = np.ones(3)


def _factors(
    pose: Pose = REST, ppg: float = 0.0, towards: tuple[float, float, float] = (0.0, 0.0, 1.0), **light: float
) -> Floats:
    settings = LightSettings(**{"shine": 0.0, **light})  # type: ignore[arg-type]
    relief = Relief(FACE, STEADY, settings, 2.2, np.random.default_rng(0))
    return relief.factors(pose, np.array(towards), ONE, (ppg, 0.0))


def _cell(x: float, y: float) -> tuple[int, int]:
    height, width = FACE.rgb.shape[:2]
    return int(y / height * GRID), int(x / width * GRID)


def test_blood_darkens_the_cheek_by_the_pulse_vector() -> None:
    row, column = _cell(FACE.points.left_eye[0], 0.4 * FACE.points.left_eye[1] + 0.6 * FACE.points.mouth[1])
    change = 1 - (_factors(ppg=1.0) / _factors())[row, column]
    assert 0.4 * STEADY.strength < change[1] < 1.6 * STEADY.strength
    assert change / change[1] == pytest.approx(PULSE_RGB, rel=0.35)


def test_blood_leaves_the_corner_alone() -> None:
    np.testing.assert_allclose(_factors(ppg=1.0)[:8, :8], _factors()[:8, :8])


def test_light_from_the_side_shades_the_other_side() -> None:
    side = _factors(towards=(0.9, 0.0, 0.44), ambient=0.4)
    cx, cy = FACE.points.centre
    near, far = (side[_cell(cx + way * FACE.points.half_width * 0.7, cy)][1] for way in (1, -1))
    assert near > 1.1 * far


def test_the_highlight_moves_when_the_head_turns() -> None:
    def column(yaw: float) -> float:
        shine = _factors(replace(REST, yaw=yaw), shine=0.5, shininess=20.0) / _factors(replace(REST, yaw=yaw))
        return float((shine[..., 1] - 1).sum(0) @ np.arange(GRID) / (shine[..., 1] - 1).sum())

    assert abs(column(0.4) - column(-0.4)) > 3


def test_an_open_mouth_is_dark() -> None:
    row, column = _cell(*FACE.points.mouth)
    assert _factors(replace(REST, jaw=1.0))[row, column, 1] < 0.8 * _factors()[row, column, 1]
