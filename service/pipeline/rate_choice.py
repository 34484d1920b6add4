"""The choice of the heart rate: what speaks for each frequency of a window, and the path over the windows."""

import numpy as np
from numpy.typing import NDArray

from service.pipeline.spectrum import Array, Spectra, line_prominence_db

_HARMONIC_TO_PULSE = (1.5, 4.0)  # of a weak and of a clear line at the rate
_CLEAR_DB = (8.0, 12.0)  # a line begins to be clear, and is
_SLOPE_COUNTS = 0.1
_USUAL_BPM = (50.0, 160.0)
_FALL_BPM = (5.0, 25.0)  # standard deviations of what is left beyond them
_JUMP_COST_PER_BPM = 0.4  # in nats of log power, for a step between two windows: training/LOG.md


def harmonic_support(spectra: Spectra) -> Array:
    """Return (W, B): how much each frequency of the band looks like a pulse's fundamental.

    The power times f^1.5, plus that at 2f as far as it belongs to a pulse at f. The factor is the noise's: what a
    camera sees of light and motion falls about as 1/f, the summed errors of a model as 1/f^2, and without it their
    lower end outweighs every pulse. At 2f, one and a half times the power at f is counted: a rate then wins over a
    second harmonic of up to 1.8 times its power, and a lone line over noise at half its frequency. Where the line at f
    stands out by 12 dB, it is no such noise; four times its power is counted then, and it wins up to 4.3.
    """
    band = spectra.band
    flat = spectra.flat
    doubled = np.zeros_like(flat[:, band])
    twice = 2 * np.arange(band.start, band.stop)
    inside = twice < flat.shape[1]
    doubled[:, inside] = flat[:, twice[inside]]
    fundamental = flat[:, band]
    counted = np.interp(line_prominence_db(spectra), _CLEAR_DB, _HARMONIC_TO_PULSE)
    support: Array = fundamental + np.minimum(counted * 2**spectra.noise_slope * fundamental, doubled)
    return support


def usualness(rate_hz: Array) -> Array:
    """Return 0..1: how far rate_hz may be the rate, whatever its power, of somebody before a camera.

    1 from 50 to 160 bpm, falling off as a normal distribution to 0.28 at 42, 0.73 at 180 and 0.006 at 240 bpm. A clear
    line outweighs it; where there is none, it keeps the answer from the ends of the band, to which noise draws it. That
    most have 60 to 110 bpm is not said here: it would cost fast hearts more than it gives to others (training/LOG.md).
    """
    bpm = 60 * rate_hz
    beyond = np.maximum((_USUAL_BPM[0] - bpm) / _FALL_BPM[0], (bpm - _USUAL_BPM[1]) / _FALL_BPM[1])
    usual: Array = np.exp(-0.5 * np.maximum(beyond, 0) ** 2)
    return usual


def plausibility(spectra: Spectra) -> Array:
    """Return (W, B), 0..1: the usualness of each frequency of the band, and a tenth of it where there is no line.

    That is where the power only falls, from below the band into it: the foot of a drift.
    """
    band = spectra.band
    falls = np.diff(spectra.power[:, band.start - 1 : band.stop], axis=1) < 0
    slope = np.logical_and.accumulate(falls, axis=1)
    weight: Array = np.where(slope, _SLOPE_COUNTS, 1.0) * usualness(spectra.frequency_hz[band])
    return weight


def follow_rate(support: Array, step_bpm: float, *, cost_per_bpm: float = _JUMP_COST_PER_BPM) -> NDArray[np.intp]:
    """Return (W,): the path through `support` (W, B) with the most log power, less a cost per bpm of each step.

    step_bpm: from one of the B frequencies to the next; cost_per_bpm: in nats.
    Viterbi's algorithm; a cost that is linear in the distance lets two running maxima replace the table of all steps.
    """
    bins = np.arange(support.shape[1])
    cost = cost_per_bpm * step_bpm
    slope = cost * bins
    gain = np.log(support + support.max(axis=1, keepdims=True) * 1e-6 + np.finfo(float).tiny)
    score = gain[0]
    scores = np.empty_like(gain)
    scores[0] = score
    for index in range(1, len(gain)):
        from_below = np.maximum.accumulate(score + slope) - slope
        from_above = np.maximum.accumulate((score - slope)[::-1])[::-1] + slope
        score = np.maximum(from_below, from_above) + gain[index]
        score -= score.max()
        scores[index] = score
    path = np.empty(len(gain), np.intp)
    path[-1] = scores[-1].argmax()
    for index in range(len(gain) - 2, -1, -1):
        path[index] = (scores[index] - cost * np.abs(bins - path[index + 1])).argmax()
    return path
