"""ICA (Poh et al. 2011): the pulse as one of three independent components of the skin's colours."""

from collections.abc import Callable

import numpy as np
from scipy import linalg

from service.pipeline import spectrum
from service.pipeline.spectrum import Array

_WINDOW_S = 30.0
_DETREND_HZ = 0.5  # half the amplitude at this frequency
_FLAT = 1e-9  # of a colour's mean: no change, only rounding


def ica(traces: Array, fps: float) -> Array:
    """ICA, Poh, McDuff & Picard 2011: three independent components of the detrended, normalised colours.

    That with the highest spectral peak is the pulse, turned so that it rises where green falls. Unmixed anew in windows
    of 30 s, joined by half-overlapping Hann tapers; FastICA (Hyvarinen 1999) stands for JADE: on three channels they
    find the same components.
    """
    mean = traces.mean(axis=0)
    detrended = smoothness_priors((traces - mean) / np.maximum(mean, np.finfo(float).tiny), fps)
    return in_windows(detrended, fps, _ica_window)


def in_windows(traces: Array, fps: float, method: Callable[[Array, float], Array]) -> Array:
    """Return the waves (T,) that `method` finds in windows of 30 s of traces (T, 3), joined by Hann tapers."""
    length = 2 * round(_WINDOW_S * fps / 2)
    if len(traces) <= length:
        return method(traces, fps)
    hop = length // 2
    starts = range(0, len(traces) - hop, hop)
    wave, weight = np.zeros(len(traces)), np.full(len(traces), 1e-12)
    for start in (min(start, len(traces) - length) for start in starts):
        taper = np.hanning(length + 2)[1:-1]
        wave[start : start + length] += taper * method(traces[start : start + length], fps)
        weight[start : start + length] += taper
    return np.asarray(wave / weight)


def smoothness_priors(traces: Array, fps: float) -> Array:
    """Take the trend off (Tarvainen et al. 2002): (I - (I + s^2 D'D)^-1) traces, D the second difference.

    The trend keeps half of a wave at the frequency where s (2 sin(pi f / fps))^2 = 1, which sets s.
    """
    count = len(traces)
    if count < 3:
        return np.asarray(traces - traces.mean(axis=0))
    smooth = (2 * np.sin(np.pi * _DETREND_HZ / fps)) ** -4.0
    difference = np.zeros((3, count))
    bands = np.zeros((3, count))  # upper bands of D'D: second, first, diagonal
    difference[:, 1:-1] = np.array([1.0, -2.0, 1.0])[:, None]
    for left in range(3):
        for right in range(left, 3):
            products = difference[left, 1:-1] * difference[right, 1:-1]
            bands[2 - (right - left), right : right + count - 2] += products
    bands *= smooth
    bands[2] += 1
    return traces - np.asarray(linalg.solveh_banded(bands, traces))


def _ica_window(detrended: Array, fps: float) -> Array:
    """Return the component with the highest spectral peak, of unit variance; zeros where no colour changes.

    A colour that is flat, because the sensor is saturated, is left out.
    """
    centred = detrended - detrended.mean(axis=0)
    spread = centred.std(axis=0)
    changing = spread > _FLAT
    if len(centred) < 4 or not changing.any():
        return np.zeros(len(centred))
    components = _fast_ica(centred[:, changing] / spread[changing])
    component = components[:, np.argmax([peak_share(one, fps) for one in components.T])]
    falls = np.sign(component @ centred[:, 1])
    return -component * (falls or 1.0)


def _fast_ica(signals: Array, *, iterations: int = 200, tolerance: float = 1e-8) -> Array:
    """Return the independent components (T, C), uncorrelated and of unit variance, of signals (T, C).

    Symmetric FastICA with the kurtosis contrast g(u) = u^3 from the identity, so that the result is deterministic.
    """
    values, vectors = np.linalg.eigh(signals.T @ signals / len(signals))
    white = signals @ (vectors / np.sqrt(np.maximum(values, values.max() * 1e-12)))
    unmixing = np.eye(signals.shape[1])
    for _ in range(iterations):
        components = white @ unmixing.T
        step = (components**3).T @ white / len(white) - 3 * unmixing
        left, _, right = np.linalg.svd(step)
        before, unmixing = unmixing, left @ right
        if np.abs(np.abs(np.einsum("ij,ij->i", before, unmixing)) - 1).max() < tolerance:
            break
    return np.asarray(white @ unmixing.T)


def peak_share(component: Array, fps: float) -> float:
    """Return the largest share of the band's power within 0.1 Hz of one frequency."""
    tapered = component * np.hanning(len(component))
    power = np.abs(np.fft.rfft(tapered, 4 * len(tapered))) ** 2
    frequency = np.fft.rfftfreq(4 * len(tapered), 1 / fps)
    power = power[(frequency >= spectrum.BAND_HZ[0]) & (frequency <= spectrum.BAND_HZ[1])]
    width = max(1, round(2 * spectrum.SNR_HALF_WIDTH_HZ / frequency[1]))
    return float(np.convolve(power, np.ones(width), mode="same").max() / max(power.sum(), np.finfo(float).tiny))
