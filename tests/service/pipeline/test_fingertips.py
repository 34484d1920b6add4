"""Real hearts: fingertips over a phone's camera, with the intervals of a chest strap (Neshitov et al. 2021, CC0).

The strap's clock is its own, so that only what is true of the whole recording can be compared.
"""

from pathlib import Path

import numpy as np
import pytest

from service.pipeline.hrv import variability
from service.pipeline.pulse import extras, heart_rate
from service.pipeline.types import HeartRate, Hrv, Pulse, Withheld
from tests.service.pipeline.heart import FPS, known_beats, known_rate
from tests.service.pipeline.signals import Array, as_pulse

RECORDINGS = sorted((Path(__file__).parents[4] / "shared" / "data" / "finger").glob("subject_*"))

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="the fingertip recordings are not here")


def brightest(folder: Path) -> tuple[Pulse, HeartRate]:
    """Return the colour channel with the clearest pulse."""
    table = np.loadtxt(folder / "PPG.csv", delimiter=",", skiprows=1)
    seconds = table[:, 0] / 1000
    grid_s = np.arange(seconds[0] + 2, seconds[-1] - 0.5, 1 / FPS)
    pulses = [as_pulse(-np.interp(grid_s, seconds, channel), FPS) for channel in table.T[1:] if np.ptp(channel)]
    return max(((pulse, heart_rate(pulse)) for pulse in pulses), key=lambda pair: pair[1].snr_db)


def strap(folder: Path) -> Array:
    return np.array((folder / "RR.txt").read_text().split(), np.float64)


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
