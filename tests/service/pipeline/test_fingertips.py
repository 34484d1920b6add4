import numpy as np
import pytest

from service.pipeline.answers import Hrv, Withheld
from service.pipeline.hrv import variability
from service.pipeline.pulse import extras
from tests.service.pipeline.fingertips import RECORDINGS, brightest, strap, window_errors
from tests.service.pipeline.heart import known_beats, known_rate
from tests.service.pipeline.signals import Array

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="the fingertip recordings are not here")


@pytest.fixture(scope="module")
def said() -> list[tuple[Hrv, Array]]:
    measured = [(extras(*brightest(folder))[0], strap(folder)) for folder in RECORDINGS]
    return [(hrv, intervals_ms) for hrv, intervals_ms in measured if not isinstance(hrv, Withheld)]


def test_some_of_them_are_clear_enough(said: list[tuple[Hrv, Array]]) -> None:
    assert len(said) >= 3


def test_variability_is_that_of_the_strap(said: list[tuple[Hrv, Array]]) -> None:
    for hrv, intervals_ms in said:
        assert hrv.rmssd_ms == pytest.approx(np.sqrt((np.diff(intervals_ms) ** 2).mean()), abs=10)
        assert hrv.sdnn_ms == pytest.approx(intervals_ms.std(ddof=1), abs=10)


def test_so_is_the_power_of_its_rhythms(said: list[tuple[Hrv, Array]]) -> None:
    for hrv, intervals_ms in said:
        truth = variability(known_beats(intervals_ms), known_rate(70, 90))
        assert isinstance(truth, Hrv)
        assert hrv.lf_ms2 == pytest.approx(truth.lf_ms2, rel=0.3)
        assert hrv.hf_ms2 == pytest.approx(truth.hf_ms2, rel=0.3)


def test_windows_have_the_mean_rate_of_the_straps_beats() -> None:
    errors = [window_errors(folder) for folder in RECORDINGS]
    assert all(2 < one.lag_s < 6 for one in errors)
    assert np.median([one.rate.mean() for one in errors]) < 0.5
    assert np.median([one.peak.mean() for one in errors]) > 1.2
