"""The choice of the heart rate: what speaks for each frequency of a window, and the path over the windows."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from service.pipeline.spectrum import SNR_HALF_WIDTH_HZ, Array, Spectra, line_prominence_db

_HARMONIC_TO_PULSE = (1.5, 4.0)  # of a weak and of a clear line at the rate
_CLEAR_DB = (8.0, 12.0)  # a line begins to be clear, and is
_SLOPE_COUNTS = 0.1
_USUAL_BPM = (50.0, 160.0)
_FALL_BPM = (5.0, 25.0)  # standard deviations of what is left beyond them
_CHANGE_BPM = 4.0  # standard deviation of the change between windows, a second: training/LOG.md
_JUMP_NATS = 9.0  # of log power: what a change of any size costs at most


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


def change_costs(spectra: Spectra) -> Array:
    """Return (B,): what it costs, in nats, if the rate changes by 0 to B - 1 bins from a window to the next.

    The square of the change over twice that of 4 bpm, as in a random walk, but 9 at most. Windows a second apart share
    nine of ten seconds, so one disturbance counts in ten of them: two jumps, there and back, must cost more than these
    gain. A heart that speeds up goes in small steps, which cost next to nothing; one that does jump pays once.
    """
    bpm = 60 * spectra.frequency_hz[: spectra.band.stop - spectra.band.start]
    costs: Array = np.minimum((bpm / _CHANGE_BPM) ** 2 / 2, _JUMP_NATS)
    return costs


def follow_rate(support: Array, costs: Array) -> NDArray[np.intp]:
    """Return (W,): the path through `support` (W, B) with the most log power, less what its changes cost.

    costs: (B,), in nats, of a change by 0 to B - 1 bins. Viterbi's algorithm.
    """
    table = linalg.toeplitz(costs)
    gain = np.log(support + support.max(axis=1, keepdims=True) * 1e-6 + np.finfo(float).tiny)
    scores = np.empty_like(gain)
    scores[0] = gain[0]
    for index in range(1, len(gain)):
        scores[index] = (scores[index - 1] - table).max(axis=1) + gain[index]
        scores[index] -= scores[index].max()
    path = np.empty(len(gain), np.intp)
    path[-1] = scores[-1].argmax()
    for index in range(len(gain) - 2, -1, -1):
        path[index] = (scores[index] - table[path[index + 1]]).argmax()
    return path


def dominance(support: Array, spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W,), 0..1: how much of each window's squared support (W, B) lies within 6 bpm of rate_hz (W,).

    Nothing in silence. Squared, what is left is the probability that a window gives to its rate: in a conditional logit
    fitted to windows the logarithm of the support weighs 1.9 to 2.9, by network (training/LOG.md). 6 bpm in short
    windows too, though their lines are wider: as wide as these noise would dominate as well. All the rest of the band
    is a rival, the second harmonic of the pulse among it.
    """
    highest = support.max(axis=1, keepdims=True)
    squared = (support / np.where(highest > 0, highest, 1.0)) ** 2
    near = spectra.near(rate_hz, SNR_HALF_WIDTH_HZ)
    total = squared.sum(axis=1)
    share: Array = (squared * near).sum(axis=1) / np.where(total > 0, total, 1.0)
    return share
