"""Figures 5 and 6: which cases are shown, and that something is."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.pictures import has_content
from tests.training.test_scoring import rate, wave_of
from tests.training.test_tables import SCORES, score
from tests.training.test_takes import pulse
from training.takes import Reference
from training.wave_plots import Waves, good_and_bad, plot_waves


def waves(late_s: float = 0.0) -> Waves:
    return Waves.of("student, 1", rate(wave_of(72.0, late_s=late_s)), Reference(pulse(72.0)))


def test_the_middle_of_the_good_and_of_the_bad_is_shown() -> None:
    scores = [score("a", n, error, 0.9) for n, error in enumerate((0.1, -0.5, 0.9, 5.0, 11.0, 30.0, -90.0))]
    good, bad = good_and_bad(scores)
    assert good is not None
    assert bad is not None
    assert (good.name, bad.name) == ("1", "5")


def test_there_may_be_neither() -> None:
    assert good_and_bad([score("a", 1, 5.0, 0.9), SCORES[3]]) == (None, None)


def test_waves_lie_over_each_other_in_time() -> None:
    assert np.corrcoef(waves().wave, waves().true)[0, 1] > 0.99
    assert np.corrcoef(waves(0.2).wave, waves(0.2).true)[0, 1] == pytest.approx(np.cos(0.48 * np.pi), abs=0.05)


def test_a_picture_comes_out(tmp_path: Path) -> None:
    plot_waves([waves(), waves(0.2)], tmp_path / "waves.png")
    assert has_content(tmp_path / "waves.png")
