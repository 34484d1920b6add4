"""The ridge of the spectrogram: the rate inside a window, where it swings too far for a window to have one line.

A heart that slows from 95 to 75 bpm within a breath has no line in a window of 10 s, but a band with some peak in it:
there where the rate dwells. Spectra of 5 s see it move. How much better a path through these explains a window than one
rate does says two things: that the path's mean is the better answer, and, where it is much, that there may be no pulse.
"""

from dataclasses import dataclass

import numpy as np

from service.pipeline import rate_choice, spectrum
from service.pipeline.spectrum import Array, Spectra

_WINDOW_S = 5.0
_HOP_S = 0.5
_REACH = 0.3  # of the window's rate, as a ratio's logarithm: no path reaches a second harmonic
_JUMP_COST_PER_BPM = 0.05  # in nats, a step of half a second; all four: training/LOG.md
_SAME_HZ = 0.05  # this far from the window's rate is still that rate
_LEAST = 1e-3  # of a step's most support: what has less counts as this
_SWINGS_NATS = 0.75


@dataclass(frozen=True, slots=True)
class Ridge:
    """What the path says of W windows.

    mean_hz: (W,), its mean frequency in each, 0.7..4 Hz. gain_nats: (W,), how much more log support a step along it has
    than one that stays within 0.05 Hz of the window's rate, on average; 0 where both are the same.
    """

    mean_hz: Array
    gain_nats: Array

    def where_it_swings(self, rate_hz: Array) -> Array:
        """Return rate_hz (W,), but the path's mean where that explains a window 0.75 nats a step better."""
        return np.where(self.gain_nats > _SWINGS_NATS, self.mean_hz, rate_hz)


def follow(wave: Array, spectra: Spectra, rate_hz: Array) -> Ridge:
    """Follow the rate of `wave` (T,), near rate_hz (W,) of its spectra's windows, through spectra of 5 s every 0.5 s.

    wave: a second or more; its ends are extended by their point reflection, so that the first and the last step have
    spectra too.
    """
    fps = spectra.fps
    margin = min(round(_WINDOW_S / 2 * fps), len(wave) - 1)
    extended = np.r_[2 * wave[0] - wave[margin:0:-1], wave, 2 * wave[-1] - wave[-2 : -margin - 2 : -1]]
    # Each window of these has its middle where it starts in the wave itself.
    short = spectrum.power_spectra(extended, fps, spectra.noise_slope, window_s=2 * margin / fps, hop_s=_HOP_S)
    near_hz = np.interp(short.starts, spectra.starts + spectra.length / 2, rate_hz)[:, None]
    hz = short.frequency_hz[short.band]
    support = np.where(np.abs(np.log(hz / near_hz)) <= _REACH, rate_choice.harmonic_support(short), 0)
    path = rate_choice.follow_rate(support, 60 * float(hz[1] - hz[0]), cost_per_bpm=_JUMP_COST_PER_BPM)
    followed = support[np.arange(len(path)), path]
    stayed = np.where(np.abs(hz - near_hz) <= _SAME_HZ, support, 0).max(axis=1)
    least = _LEAST * support.max(axis=1) + np.finfo(float).tiny
    gain_nats = np.log((followed + least) / (stayed + least))
    return Ridge(*_window_means(np.stack([spectrum.peak_hz(short, path), gain_nats]), short, spectra))


def _window_means(steps: Array, short: Spectra, spectra: Spectra) -> Array:
    """Return the means (N, W) over the windows of what the steps (N, S) have, straight lines between these."""
    steps_s = short.starts / short.fps
    sums = np.c_[np.zeros(len(steps)), np.cumsum((steps[:, 1:] + steps[:, :-1]) / 2 * np.diff(steps_s), axis=1)]
    edges_s = np.stack([spectra.starts, spectra.starts + spectra.length]) / spectra.fps
    covered_s, *between = (np.diff(np.interp(edges_s, steps_s, each), axis=0)[0] for each in (steps_s, *sums))
    means: Array = np.stack(between) / covered_s
    return means
