"""The plot of an evaluation is a picture of a sensible size."""

from pathlib import Path

import cv2

from tests.training.test_tables import SCORES
from training.plots import plot_errors


def test_a_picture_comes_out(tmp_path: Path) -> None:
    plot_errors(SCORES, tmp_path / "errors.png")
    picture = cv2.imread(str(tmp_path / "errors.png"))
    assert picture is not None
    assert picture.shape[0] > 300
    assert picture.std() > 10
