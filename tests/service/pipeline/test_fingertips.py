"""Real hearts: fingertips over a phone's camera, with the intervals of a chest strap (Neshitov et al. 2021, CC0).

The strap's clock is its own: what is compared is true of the whole recording, or at the lag at which both fit best.
"""

from pathlib import Path

import numpy as np
import pytest

from service.pipeline import quality, spectrum
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


def best_lag(starts_s: Array, bpm: Array, beats_s: Array) -> tuple[float, Array]:
    """Return the lag of the strap's clock, 1 to 8 s, at which the windows fit best, and their errors (K,) there."""
    found = []
    for lag_s in np.arange(1, 8.05, 0.1):
        first_s = starts_s + lag_s
        kept = first_s + spectrum.WINDOW_S <= beats_s[-1]
        turns = np.interp(
            np.stack([first_s[kept], first_s[kept] + spectrum.WINDOW_S]), beats_s, np.arange(len(beats_s))
        )
        errors = np.abs(60 * np.diff(turns, axis=0)[0] / spectrum.WINDOW_S - bpm[kept])
        found.append((errors.mean(), lag_s, errors))
    _, lag_s, errors = min(found, key=lambda one: one[0])
    return float(lag_s), errors


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
    errors, by_peak = [], []
    for folder in RECORDINGS:
        pulse, rate = brightest(folder)
        beats_s = np.r_[0, np.cumsum(strap(folder) / 1000)]
        starts_s = np.array([window.start_s for window in rate.windows])
        bpm = np.array([window.bpm for window in rate.windows])
        lag_s, errors_here = best_lag(starts_s, bpm, beats_s)
        errors.append(errors_here.mean())
        peaks = spectrum.power_spectra(np.asarray(pulse.samples, np.float64), pulse.fps)
        highest = quality.rate(peaks, len(pulse.samples) / pulse.fps).bpm
        by_peak.append(best_lag(starts_s, highest, beats_s)[1].mean())
        assert 2 < lag_s < 6
    assert np.median(errors) < 0.5
    assert np.median(by_peak) > 1.2
