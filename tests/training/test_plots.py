"""The plots of scores are pictures with something on them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.training.pictures import has_content
from tests.training.test_tables import SCORES
from training.plots import grid, plot_bland_altman, plot_errors, plot_groups
from training.scores import Score
from training.trust_plots import plot_coverage, plot_reliability


@pytest.mark.parametrize("plot", [plot_errors, plot_bland_altman, plot_groups, plot_coverage, plot_reliability])
def test_a_picture_comes_out(plot: Callable[[Sequence[Score], Path], None], tmp_path: Path) -> None:
    plot(SCORES, tmp_path / "plot.png")
    assert has_content(tmp_path / "plot.png")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_grid_has_a_place_for_each_plot(count: int) -> None:
    _, spots = grid(count)
    assert [spot.axison for spot in spots[:count]] == [True] * count
    assert not any(spot.axison for spot in spots[count:])
