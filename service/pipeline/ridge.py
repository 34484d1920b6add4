"""The ridge of the spectrogram: the rate inside a window, where it swings too far for a window to have one line.

A heart that slows from 95 to 75 bpm within a breath has no line in a window of 10 s, but a band with some peak in it:
there where the rate dwells. Spectra of 5 s see it move. How much better a path through these explains a window than its
one rate does says two things. From nothing on it takes trust, since few hearts need a path; from 0.75 nats a step on
the path's mean is the better answer all the same.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from service.pipeline import rate_choice, spectrum
from service.pipeline.spectrum import AT_ONCE, Array, Spectra

# What was tried for these: training/LOG.md.
_WINDOW_S = 5.0
_HOP_S = 0.5
_REACH = 0.3  # of the window's rate, as a ratio's logarithm: no path reaches a second harmonic
_COST_PER_BPM = 0.05  # in nats, of a change within half a second
_SWINGS_NATS = 0.75
_LEAST = 1e-3  # of a step's most support: what has less counts as this


@dataclass(frozen=True, slots=True)
class Ridge:
    """What the path says of W windows.

    mean_hz: (W,), its mean frequency in each, 0.7..4 Hz. gain_nats: (W,), how much more log support a step along it has
    than one at the window's own rate, on average; about 0 where both are the same, down to -0.4 where the path prefers
    a more usual rate. Where a rate swings far, ten seconds alone have some 0.3 less than within a minute: their first
    and last two seconds are seen by halves.
    """

    mean_hz: Array
    gain_nats: Array

    def where_it_swings(self, rates: Array) -> Array:
        """Return rates (W, S) in Hz, but the path's mean all through each window that swings.

        That is one which the path explains more than 0.75 nats a step better.
        """
        swings = self.gain_nats[:, None] > _SWINGS_NATS
        return np.where(swings, self.mean_hz[:, None], rates)


def follow(wave: Array, spectra: Spectra, rate_hz: Array) -> Ridge:
    """Follow the rate of `wave` (T,), near rate_hz (W,) of its spectra's windows, through spectra of 5 s every 0.5 s.

    wave: a second or more. Beyond its ends nothing changes any more, so that the first and the last step see half of
    what others do; its point reflection there would break the phase, and a break looks like a swing.
    """
    fps = spectra.fps
    margin = round(_WINDOW_S / 2 * fps)
    # Each window of these has its middle where it starts in the wave itself.
    short = spectrum.power_spectra(
        np.pad(wave, margin, mode="edge"), fps, spectra.noise_slope, window_s=2 * margin / fps, hop_s=_HOP_S
    )
    hz = short.frequency_hz[short.band]
    support = _support(short)
    near_hz = np.interp(short.starts, spectra.starts + spectra.length / 2, rate_hz)[:, None]
    within = np.where(np.abs(np.log(hz / near_hz)) <= _REACH, support, 0)
    path = rate_choice.follow_rate(within * rate_choice.usualness(hz), _COST_PER_BPM * 60 * (hz - hz[0]))
    least = _LEAST * within.max(axis=1, keepdims=True) + np.finfo(float).tiny
    level = np.log(support + least)
    staying = np.log(ndimage.maximum_filter1d(support, 3, axis=1) + least)  # one bin beside a rate is still that rate
    own = np.round(rate_hz / short.frequency_hz[1]).astype(np.intp) - short.band.start
    steps = np.c_[spectrum.peak_hz(short, path), level[np.arange(len(path)), path]]
    mean_hz, followed = _window_means(steps, short, spectra).T
    stayed = _window_means(staying, short, spectra)[np.arange(len(own)), np.clip(own, 0, len(hz) - 1)]
    return Ridge(mean_hz, followed - stayed)


def _support(short: Spectra) -> Array:
    blocks = (short.part(slice(first, first + AT_ONCE)) for first in range(0, len(short.power), AT_ONCE))
    return np.concatenate([rate_choice.harmonic_support(block) for block in blocks])


def _window_means(steps: Array, short: Spectra, spectra: Spectra) -> Array:
    """Return the means (W, N) over the windows of what the steps (S, N) have, straight lines between these."""
    step_samples = np.diff(short.starts)[:, None]
    sums = np.r_[np.zeros((1, steps.shape[1])), np.cumsum((steps[1:] + steps[:-1]) / 2 * step_samples, axis=0)]
    edges = np.clip(np.stack([spectra.starts, spectra.starts + spectra.length]), 0, short.starts[-1])
    before = np.clip(np.searchsorted(short.starts, edges, "right") - 1, 0, len(short.starts) - 2)
    share = ((edges - short.starts[before]) / np.diff(short.starts)[before])[:, :, None]
    first, last = sums[before] * (1 - share) + sums[before + 1] * share
    means: Array = (last - first) / np.diff(edges, axis=0).T
    return means
