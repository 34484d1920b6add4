"""The mean heart rate over each window and over a recording, by how far the phase of the wave turns in them.

The peak of a tapered spectrum is the rate of the window's middle: the taper hardly sees its ends, while a heart's rate
swings with each breath. It chooses the line; how far the phase of that line goes on from one end of the window to the
other is the mean of its instantaneous frequency (Boashash 1992), and so the rate that a counter of beats would give.

The mean of the windows is not the recording's: a second in its middle lies in ten of them, its first second in one.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.pipeline.spectrum import AT_ONCE, BAND_HZ, Array, Spectra
from service.pipeline.types import Bools

Complex = NDArray[np.complex128]

_SMOOTHED_S = 5.0  # less lets noise slip turns, more misses breath: training/LOG.md
_STEP_S = 0.5
_MOST_HZ = 0.2  # from one step to the next, off the line: beyond is noise
_SILENT = 1e-3  # of the most power among a window's steps: nothing is seen there


def step_rates_hz(wave: Array, spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W, S): the frequency of the line at rate_hz (W,) in each of the S steps, half a second, of each window.

    wave: (T,), the one that the spectra are of. The phase of the line, and that of its second harmonic, are taken every
    half second over 5 s, of the wave's slope (slow drifts leave it alone), at the ends also of what lies beside the
    window; they count by their power over the noise's, which falls as the spectra's noise_slope. A step of which
    nothing is seen stays at rate_hz, as does a window without power; none is moved by more than 12 bpm.
    """
    kernel = _Kernel.of(spectra)
    slope = np.diff(wave)
    padded, inside = kernel.padded(slope - slope.mean()), kernel.padded(np.ones(len(slope)))
    moved_hz = np.empty((len(rate_hz), kernel.weights.shape[1] - 1))
    for first in range(0, len(rate_hz), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        within = spectra.starts[some, None] + np.arange(len(kernel.seconds))
        seen = inside[within] @ kernel.weights
        # Where the wave ends within the kernel, what is seen of it lies further inside.
        seen_s = ((inside[within] * kernel.seconds) @ kernel.weights) / seen
        once = np.exp(-2j * np.pi * rate_hz[some, None] * kernel.seconds)
        twice = once * once
        fundamental, second = (
            _amplitude(
                (padded[within] * to_line) @ kernel.weights, (inside[within] * to_mirror) @ kernel.weights / seen
            )
            for to_line, to_mirror in ((once, twice), (twice, twice * twice))
        )
        second[rate_hz[some] > spectra.fps / 4 - _MOST_HZ] = 0  # the rest is its alias
        turns = _turns((fundamental, second), spectra.noise_slope)
        moved_hz[some] = np.clip(turns / np.diff(seen_s, axis=1), -_MOST_HZ, _MOST_HZ)
    moved_hz[~spectra.power.any(axis=1)] = 0
    hz: Array = rate_hz[:, None] + moved_hz
    return hz


def window_means_hz(rates: Array) -> Array:
    """Return (W,): the mean of each window's rates (W, S), in 0.7..4 Hz."""
    hz: Array = np.clip(rates.mean(axis=1), *BAND_HZ)
    return hz


def recording_mean_hz(rates: Array, spectra: Spectra, trusted: Bools) -> float:
    """Return the mean rate over the time from the start of the first window to the end of the last, in 0.7..4 Hz.

    rates: (W, S), of the windows' steps. trusted: (W,), one at least. Each step of time counts once, as the window says
    whose middle is nearest; where that is not trusted, by the straight lines between the means of the trusted ones, and
    before the first and after the last of these by the mean of all of them: the one window beside what failed is the
    worst of them, and would speak for all of it.
    """
    step = spectra.length / rates.shape[1]
    times = np.arange(spectra.starts[0] + step / 2, spectra.starts[-1] + spectra.length, step)
    middles = spectra.starts + spectra.length / 2
    nearest = np.searchsorted((middles[1:] + middles[:-1]) / 2, times)
    steps = np.minimum((times - spectra.starts[nearest]) // step, rates.shape[1] - 1).astype(np.intp)
    means = rates.mean(axis=1)[trusted]
    between = np.interp(times, middles[trusted], means, left=means.mean(), right=means.mean())
    through = np.where(trusted[nearest], rates[nearest, steps], between)
    return float(np.clip(through.mean(), *BAND_HZ))


@dataclass(frozen=True, slots=True)
class _Kernel:
    """Hann's window around each of K steps through a window of the spectra and what lies beside it, N changes.

    seconds: (N,), the changes' times since the window's start, midway between two samples. weights: (N, K).
    """

    seconds: Array
    weights: Array
    margin: int

    @classmethod
    def of(cls, spectra: Spectra) -> Self:
        """Make that of windows as long as these."""
        margin = round(_SMOOTHED_S / 2 * spectra.fps)
        seconds: Array = np.arange(0.5 - margin, spectra.length + margin, dtype=np.float64) / spectra.fps
        steps_s = np.linspace(0, spectra.window_s, max(round(spectra.window_s / _STEP_S), 1) + 1)
        distance_s = np.abs(seconds[:, None] - steps_s)
        weights = np.where(distance_s < _SMOOTHED_S / 2, np.cos(np.pi * distance_s / _SMOOTHED_S) ** 2, 0.0)
        return cls(seconds, weights, margin)

    def padded(self, changes: Array) -> Array:
        """Return the changes of a wave with nothing on both sides: those of window w begin at its first sample."""
        return np.pad(changes, (self.margin, self.margin + 1))


def _amplitude(seen: Complex, mirrored: Complex) -> Complex:
    """Return the amplitude of a line of which the kernel sees `seen`, at any scale.

    A real wave's line has a mirror image at the negative frequency. A kernel that is cut off sees that too: `mirrored`
    is what it sees of the image of a line of unit amplitude.
    """
    return np.asarray(seen - mirrored * seen.conj())


def _turns(harmonics: tuple[Complex, Complex], noise_slope: float) -> Array:
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
    heard = weight > _SILENT * weight.max(axis=1, keepdims=True)
    mean: Array = np.divide(turned, weight, out=np.zeros_like(turned), where=heard)
    return mean
