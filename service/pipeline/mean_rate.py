"""The mean heart rate over each window, by how far the phase of the wave turns in it.

The peak of a tapered spectrum is the rate of the window's middle: Hann's taper hardly sees the first and the last two
seconds of ten, while a heart's rate swings with each breath. It chooses the line; how far the phase of that line goes
on from one end of the window to the other is the mean of its instantaneous frequency (Boashash 1992), and so the rate
that a counter of beats would give.
"""

import numpy as np
from numpy.typing import NDArray

from service.pipeline.spectrum import BAND_HZ, Array, Spectra

_SMOOTHED_S = 5.0  # less lets noise slip turns, more misses breath: training/LOG.md
_STEP_S = 0.5
_MOST_HZ = 0.2  # from one step to the next, off the line: beyond is noise
_AT_ONCE = 256  # windows, so that an hour takes no more memory than some minutes


Complex = NDArray[np.complex128]


def mean_rate_hz(wave: Array, spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W,): the mean frequency of the line at rate_hz (W,) over each window, in 0.7..4 Hz.

    wave: (T,), the one that the spectra are of. The phase of the line, and that of its second harmonic, are taken every
    half second over 5 s, of the wave's slope (drifts leave it alone) and also of what lies beside the window; they
    count by their power over the noise's, which falls as the spectra's noise_slope. A window without power stays at
    rate_hz, and none is moved by more than 12 bpm.
    """
    fps, length = spectra.fps, spectra.length
    margin = round(_SMOOTHED_S / 2 * fps)
    seconds = (np.arange(length + 2 * margin) - margin + 0.5) / fps  # of a change: midway between two samples
    steps_s = np.linspace(0, length / fps, max(round(length / fps / _STEP_S), 1) + 1)
    distance_s = seconds[:, None] - steps_s
    kernel = np.where(np.abs(distance_s) < _SMOOTHED_S / 2, np.cos(np.pi * distance_s / _SMOOTHED_S) ** 2, 0)
    slope, around = np.diff(wave), (margin, margin + 1)
    padded, inside = np.pad(slope - slope.mean(), around), np.pad(np.ones(len(slope)), around)
    moved_hz = np.empty(len(rate_hz))
    for first in range(0, len(rate_hz), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        within = spectra.starts[some, None] + np.arange(len(seconds))
        # Where the wave ends within the kernel, what is seen of it lies further inside.
        weight = inside[within] @ kernel
        seen_s = ((inside[within] * seconds) @ kernel) / weight
        once = np.exp(-2j * np.pi * rate_hz[some, None] * seconds)
        twice = once * once
        amplitudes = [
            _amplitude((padded[within] * to_line) @ kernel, (inside[within] * to_mirror) @ kernel / weight)
            for to_line, to_mirror in ((once, twice), (twice, twice * twice))
        ]
        turns = _turns(amplitudes, spectra.noise_slope)
        moved_hz[some] = np.clip(turns / np.diff(seen_s, axis=1), -_MOST_HZ, _MOST_HZ).mean(axis=1)
    moved_hz[~spectra.power.any(axis=1)] = 0
    hz: Array = np.clip(rate_hz + moved_hz, *BAND_HZ)
    return hz


def _amplitude(seen: Complex, mirrored: Complex) -> Complex:
    """Return the amplitude of a line of which `seen` is its sum under the kernel: least squares.

    A real wave's line has a mirror image at the negative frequency, which a cut-off kernel sees too: `mirrored` is what
    it sees of a line of unit amplitude's. The scale is any.
    """
    return np.asarray((seen - mirrored * seen.conj()) / (1 - np.abs(mirrored) ** 2))


def _turns(harmonics: list[Complex], noise_slope: float) -> Array:
    """Return how far the fundamental turns from each step to the next, in turns (W, steps - 1).

    harmonics: the slope's amplitudes at the steps and those of its second harmonic. That turns twice as far, so that
    half its turn is known four times as well; of the wave's slope its noise is 2^(2 - noise_slope) times as strong.
    """
    sums = np.zeros((2, len(harmonics[0]), harmonics[0].shape[1] - 1))
    for order, amplitude in enumerate(harmonics, 1):
        step = amplitude[:, 1:] * amplitude[:, :-1].conj()
        weight = order**noise_slope * np.abs(step)
        sums += weight * np.angle(step) / (2 * np.pi * order), weight
    turned, weight = sums
    mean: Array = np.divide(turned, weight, out=np.zeros_like(turned), where=weight > 0)
    return mean
