import numpy as np
import pytest

from training.synthesis.faces import DrawnFaces
from training.synthesis.skin import FacePoints, add_melanin, tone_group


def test_proportions_from_the_eyes_turn_with_them() -> None:
    upright = FacePoints.from_eyes((100.0, 100.0), (180.0, 100.0))
    assert upright.chin == pytest.approx((140.0, 100 + 1.72 * 80))
    assert upright.eye_distance == 80
    tilted = FacePoints.from_eyes((100.0, 100.0), (180.0, 110.0))
    assert tilted.chin[0] < upright.chin[0]


def test_melanin_darkens_skin_alone_and_blue_most() -> None:
    rgb = np.full((40, 80, 3), 200, np.uint8)
    skin = np.zeros((40, 80), np.float32)
    skin[:, :30] = 1
    darker = add_melanin(rgb, skin, 0.4)
    assert np.all(darker[:, 60:] == 200)
    red, green, blue = darker[20, 10]
    assert blue < green < red < 200
    assert green == pytest.approx(200 * np.exp(-0.4), abs=1)


def test_no_melanin_changes_nothing() -> None:
    rgb = np.full((10, 10, 3), 120, np.uint8)
    assert add_melanin(rgb, np.ones((10, 10), np.float32), 0.0) is rgb


def test_tone_groups_follow_melanin() -> None:
    order = {"light": 0, "medium": 1, "dark": 2}
    face = DrawnFaces().load("drawn_002", "neutral")
    tones = [order[tone_group(add_melanin(face.rgb, face.skin, amount), face.points)] for amount in (-0.6, 0.0, 0.9)]
    assert tones == sorted(tones)
    assert tones[-1] == 2
