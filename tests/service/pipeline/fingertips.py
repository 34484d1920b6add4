"""Fingertips over a phone's camera, with the intervals of a chest strap (Neshitov et al. 2021, CC0), if they are here.

The strap's clock is its own: what is compared is true of the whole recording, or at the lag at which both fit best.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.pipeline import quality, spectrum
from service.pipeline.answers import HeartRate
from service.pipeline.pulse import heart_rate
from service.pipeline.types import Pulse
from tests.service.pipeline.heart import FPS
from tests.service.pipeline.signals import Array, as_pulse

RECORDINGS = sorted((Path(__file__).parents[4] / "shared" / "data" / "finger").glob("subject_*"))


def brightest(folder: Path) -> tuple[Pulse, HeartRate]:
    """Return the colour channel with the clearest pulse."""
    table = np.loadtxt(folder / "PPG.csv", delimiter=",", skiprows=1)
    seconds = table[:, 0] / 1000
    grid_s = np.arange(seconds[0] + 2, seconds[-1] - 0.5, 1 / FPS)
    pulses = [as_pulse(-np.interp(grid_s, seconds, channel), FPS) for channel in table.T[1:] if np.ptp(channel)]
    return max(((pulse, heart_rate(pulse)) for pulse in pulses), key=lambda pair: pair[1].snr_db)


def strap(folder: Path) -> Array:
    return np.array((folder / "RR.txt").read_text().split(), np.float64)


@dataclass(frozen=True, slots=True)
class WindowErrors:
    """Errors in bpm of a recording's 10-s windows (K,): their rates', and those of their spectra's peaks.

    Each at its own best lag; lag_s is that of the rates.
    """

    rate: Array
    peak: Array
    lag_s: float


def window_errors(folder: Path) -> WindowErrors:
    """Compare the windows of one recording with the mean rate of the strap's beats."""
    pulse, rate = brightest(folder)
    beats_s = np.r_[0, np.cumsum(strap(folder) / 1000)]
    starts_s = np.array([window.start_s for window in rate.windows])
    lag_s, errors = _best_lag(starts_s, np.array([window.bpm for window in rate.windows]), beats_s)
    wave = np.asarray(pulse.samples, np.float64)
    peaks = quality.rate(wave, spectrum.power_spectra(wave, pulse.fps, pulse.noise_slope)).bpm
    return WindowErrors(errors, _best_lag(starts_s, peaks, beats_s)[1], lag_s)


def _best_lag(starts_s: Array, bpm: Array, beats_s: Array) -> tuple[float, Array]:
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
