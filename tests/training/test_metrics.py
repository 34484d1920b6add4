import numpy as np
import pytest

from training.metrics import mae, pearson, rmse, spectrum_bpm, std, summary, within


def test_hand_made_errors() -> None:
    true, estimated = [60.0, 70.0, 80.0], [63.0, 66.0, 80.0]
    assert mae(true, estimated) == pytest.approx(7 / 3)
    assert rmse(true, estimated) == pytest.approx(np.sqrt(25 / 3))
    assert std(true, estimated) == pytest.approx(np.std([3, -4, 0]))
    assert within(true, estimated, 3.0) == pytest.approx(2 / 3)


def test_correlation() -> None:
    assert pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert pearson([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert pearson([1, 2, 3], [5, 5, 5]) == 0


def test_the_summary_holds_them_all() -> None:
    assert set(summary([60.0, 61.0], [60.0, 62.0])) == {"mae", "rmse", "std", "r", "within_5", "n"}


@pytest.mark.parametrize(("true", "estimated"), [([], []), ([1.0], [])])
def test_unequal_or_no_values_are_refused(true: list[float], estimated: list[float]) -> None:
    with pytest.raises(ValueError, match="estimates"):
        mae(true, estimated)


@pytest.mark.parametrize("bpm", [50.0, 72.0, 110.0, 170.0])
def test_the_peak_of_a_sine_is_its_rate(bpm: float) -> None:
    t = np.arange(300) / 30
    assert spectrum_bpm(np.cos(2 * np.pi * bpm / 60 * t), 30.0) == pytest.approx(bpm, abs=1.5)
