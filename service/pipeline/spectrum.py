"""Signal processing without opinions: filters, windowed power spectra, peaks, SNR and the prominence of lines.

Spectra are taken from the detrended wave, not from the band-passed one: the filter's slope would pull peaks at
0.7 and 4 Hz inwards, and what lies just below the band tells a drift from a pulse. The band limits the search.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from service.pipeline.types import NOISE_SLOPE

Array = NDArray[np.float64]
Bins = NDArray[np.intp]

BAND_HZ = (0.7, 4.0)  # 42 to 240 bpm
WINDOW_S = 10.0
HOP_S = 1.0
SNR_HALF_WIDTH_HZ = 0.1  # 6 bpm to each side, de Haan & Jeanne 2013
SNR_LIMIT_DB = 40.0  # a spectrum without any noise has this, not infinity
_FILTER_ORDER = 2  # run forwards and backwards: fourth
_PADDED_S = 30.0  # spectra are zero-padded to this span at least: bins of 2 bpm or finer
SILENCE = 1e-9  # of the wave's size: rounding, no signal
_LINE_IN_FLOOR = 0.1
AT_ONCE = 256  # windows, so that an hour takes little more memory than some minutes


@dataclass(frozen=True, slots=True)
class Spectra:
    """Power spectra of W windows.

    power: (W, F) on frequency_hz (F,), which starts at 0 and is evenly spaced; starts: (W,) first sample of each window
    of `length` samples at fps. noise_slope: the noise's power falls as frequency_hz^-noise_slope.
    """

    frequency_hz: Array
    power: Array
    starts: NDArray[np.intp]
    length: int
    fps: float
    noise_slope: float = NOISE_SLOPE

    def part(self, some: slice) -> "Spectra":
        """Return the spectra of some of the windows."""
        return replace(self, power=self.power[some], starts=self.starts[some])

    @property
    def flat(self) -> Array:
        """The power (W, F) with the noise's slope taken off."""
        return self.power * self.frequency_hz**self.noise_slope

    @property
    def window_s(self) -> float:
        """Length of one window in seconds."""
        return self.length / self.fps

    @property
    def snr_half_width_hz(self) -> float:
        """0.1 Hz, or the resolution of a window shorter than 10 s, which cannot show a line narrower than that."""
        return max(SNR_HALF_WIDTH_HZ, 1 / self.window_s)

    @property
    def band(self) -> slice:
        """The bins from 0.7 to 4 Hz, both included."""
        step = self.frequency_hz[1]
        last = min(int(np.ceil(BAND_HZ[1] / step)), len(self.frequency_hz) - 2)
        return slice(int(np.floor(BAND_HZ[0] / step)), last + 1)

    def near(self, rate_hz: Array, half_width_hz: float) -> NDArray[np.bool_]:
        """Return (W, B): whether each frequency of the band is at most half_width_hz from rate_hz (W,)."""
        half = half_width_hz + 1e-9  # both ends included, whatever the rounding
        near: NDArray[np.bool_] = np.abs(self.frequency_hz[self.band] - rate_hz[:, None]) <= half
        return near


def band_pass(wave: Array, fps: float) -> Array:
    """Return `wave` (T,) band-passed to 0.7-4 Hz without delay (Butterworth, forwards and backwards).

    The ends are extended by their point reflection for 3 s, so that a drift starts no ringing there.
    """
    if len(wave) < 2:
        return np.zeros_like(wave)
    filtered: Array = signal.sosfiltfilt(_butterworth(fps), wave, padlen=min(len(wave) - 1, int(3 * fps)))
    return filtered


def power_spectra(
    wave: Array, fps: float, noise_slope: float = NOISE_SLOPE, *, window_s: float = WINDOW_S, hop_s: float = HOP_S
) -> Spectra:
    """Return the power spectrum of each window of `wave` (T,), 10 s every second; of all of it when it is shorter.

    The changes from sample to sample are detrended (second order), tapered by half a cosine and zero-padded, and what
    taking changes does to each frequency is undone. This taper lets little noise beside a line, 1.23 bins (Hann's 1.50;
    Harris 1978), so that the ends of a short recording count. More leaks through it, but of a drift little is in the
    changes. A window that is constant to rounding has no power at all. T may be anything from 4.
    """
    starts, length = _windows(wave, fps, window_s, hop_s)
    windows = np.lib.stride_tricks.sliding_window_view(wave, length)[starts]
    steps = _heard(_detrend(np.diff(windows)), windows) * signal.windows.cosine(length - 1)
    spectra = _spectra(steps, starts, length, fps, noise_slope)
    response = 2 * np.sin(np.pi * spectra.frequency_hz[1:] / fps)
    spectra.power[:, 1:] /= response**2
    spectra.power[:, 0] = 0
    return spectra


def hann_spectra(wave: Array, fps: float, noise_slope: float = NOISE_SLOPE) -> Spectra:
    """Return the same of the windows of `tapered`: for chrominance, whose line has to be seen by another taper too."""
    starts, length = _windows(wave, fps)
    return _spectra(tapered(wave, starts, length), starts, length, fps, noise_slope)


def tapered(waves: Array, starts: NDArray[np.intp], length: int) -> Array:
    """Return the windows (..., W, length) of the waves (..., T), detrended (second order) and tapered (Hann).

    Constant ones are zeros.
    """
    windows = np.lib.stride_tricks.sliding_window_view(waves, length, axis=-1)[..., starts, :]
    return _heard(_detrend(windows), windows) * _hann(length)


def _windows(wave: Array, fps: float, window_s: float = WINDOW_S, hop_s: float = HOP_S) -> tuple[NDArray[np.intp], int]:
    """Return the windows' first samples (W,) and their length."""
    length = min(len(wave), round(window_s * fps))
    return np.round(np.arange(0, len(wave) - length + 1e-9, hop_s * fps)).astype(np.intp), length


def _heard(detrended: Array, windows: Array) -> Array:
    """Return the detrended windows, those that are constant to rounding as zeros."""
    size = np.abs(windows).max(axis=-1)
    detrended[np.abs(detrended).max(axis=-1) <= SILENCE * size] = 0
    return detrended


def _spectra(windows: Array, starts: NDArray[np.intp], length: int, fps: float, noise_slope: float) -> Spectra:
    padded = fft.next_fast_len(max(round(_PADDED_S * fps), length), real=True)
    frequency_hz = fft.rfftfreq(padded, 1 / fps)
    kept = frequency_hz <= 2 * BAND_HZ[1] + SNR_HALF_WIDTH_HZ  # the second harmonics of the whole band
    power = np.empty((len(windows), np.count_nonzero(kept)))
    for first in range(0, len(windows), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        power[some] = np.abs(fft.rfft(windows[some], padded)[:, kept]) ** 2
    return Spectra(frequency_hz[kept], power, starts, length, fps, noise_slope)


def _detrend(windows: Array) -> Array:
    basis = _parabolas(windows.shape[-1])
    residual: Array = windows - (windows @ basis) @ basis.T
    return residual


# The same for each of some twenty signals of a face, and live again each second.
@lru_cache(maxsize=8)
def _parabolas(length: int) -> Array:
    """Return an orthonormal basis (length, 3) of what a second-order trend can be."""
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, length), 3))
    return _constant(basis)


@lru_cache(maxsize=8)
def _butterworth(fps: float) -> Array:
    nyquist_hz = fps / 2
    high_hz = min(BAND_HZ[1], 0.95 * nyquist_hz)
    sos: Array = signal.butter(_FILTER_ORDER, (BAND_HZ[0], high_hz), "bandpass", fs=fps, output="sos")
    return sos  # not _constant: scipy's filter takes no array that it may not write to, though it never does


@lru_cache(maxsize=8)
def _hann(length: int) -> Array:
    return _constant(signal.windows.hann(length, sym=False))


def _constant(values: Array) -> Array:
    values.flags.writeable = False
    return values


def peak_hz(spectra: Spectra, bins: NDArray[np.intp]) -> Array:
    """Return (W,): the frequency of the spectrum's peak at or beside the bins (W,) of the band, in 0.7..4 Hz.

    Interpolated by a parabola through three bins of the log power of the changes, of which the spectra are (exact for a
    Gaussian line, to 0.05 bpm for a tone).
    """
    power, band = spectra.power * spectra.frequency_hz**2, spectra.band
    rows = np.arange(len(power))
    near = band.start + np.clip(bins[:, None] + np.arange(-2, 3), 0, band.stop - band.start - 1)
    top = near[rows, power[rows[:, None], near].argmax(axis=1)]
    left, middle, right = (np.log(power[rows, top + shift] + np.finfo(float).tiny) for shift in (-1, 0, 1))
    curvature = left - 2 * middle + right
    bent = curvature < 0
    shift = np.where(bent, 0.5 * (left - right) / np.where(bent, curvature, 1), 0)
    frequency: Array = np.clip((top + np.clip(shift, -0.5, 0.5)) * spectra.frequency_hz[1], *BAND_HZ)
    return frequency


def snr_db(spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W,): the signal-to-noise ratio of each window at rate_hz (W,), in dB, within +-40.

    De Haan & Jeanne 2013: power within 0.1 Hz of the rate and of its second harmonic over all other power from 0.7 to
    4 Hz. A window without power has the lowest value.
    """
    power, half = spectra.power[:, spectra.band], spectra.snr_half_width_hz
    pulse = np.where(spectra.near(rate_hz, half) | spectra.near(2 * rate_hz, half), power, 0).sum(axis=1)
    return _ratio_db(pulse, power.sum(axis=1) - pulse)


def prominence_db(spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W,): how far the line at rate_hz (W,) stands out of its neighbourhood, in dB, within +-40.

    The line_prominence of the nearest frequency. Where the spectrum has no peak at rate_hz, but only a slope, the
    result is -40.
    """
    nearest = np.round(rate_hz / spectra.frequency_hz[1]).astype(np.intp) - spectra.band.start
    prominence = line_prominence_db(spectra)
    own = prominence[np.arange(len(rate_hz)), np.minimum(nearest, prominence.shape[1] - 1)]
    return np.where(_is_peak(spectra, rate_hz), own, -SNR_LIMIT_DB)


def line_prominence_db(spectra: Spectra) -> Array:
    """Return (W, B): how far each frequency of the band stands out of its neighbourhood, in dB, within +-40.

    The mean of f^2 x power within a line's width over that to both sides of it (second harmonic left out), taking a
    tenth of the line as floor too: few neighbours prove little. The factor f^2 flattens the spectrum of a random walk,
    which always peaks at the lower end of the band; so do drifts and steps, and summed noise of a model that sees no
    pulse.
    """
    step, half = spectra.frequency_hz[1], 1 / spectra.window_s
    flat = spectra.power * spectra.frequency_hz**2
    sums = np.pad(np.cumsum(flat, axis=1), ((0, 0), (1, 0)))
    centre = np.arange(spectra.band.start, spectra.band.stop)
    lowest = int(np.ceil((0.6 - 2 * half) / step))

    def between(first: Bins, last: Bins, lowest: int = 0) -> tuple[Array, Bins]:
        """Sum (W, B) and number (B,) of the bins first..last, both included, as far as there are any."""
        start = np.clip(first, max(lowest, 0), flat.shape[1])
        stop = np.clip(last + 1, start, flat.shape[1])
        return sums[:, stop] - sums[:, start], stop - start

    near, inner, outer, harmonic = (
        int(hz / step + 1e-6) for hz in (half, 2 * half, 2 * half + max(0.6, 6 * half), 1.5 * half)
    )
    line, line_bins = between(centre - near, centre + near)
    below, below_bins = between(centre - outer, centre - inner - 1, lowest)
    above, above_bins = between(centre + inner + 1, centre + outer)
    doubled, doubled_bins = between(
        np.maximum(2 * centre - harmonic, centre + inner + 1), np.minimum(2 * centre + harmonic, centre + outer)
    )
    floor = below + above - doubled + _LINE_IN_FLOOR * line
    floor_bins = below_bins + above_bins - doubled_bins
    return _ratio_db(line * (floor_bins / line_bins + _LINE_IN_FLOOR), floor)


def _is_peak(spectra: Spectra, rate_hz: Array) -> NDArray[np.bool_]:
    rows, power = np.arange(len(rate_hz)), spectra.power
    nearest = np.round(rate_hz / spectra.frequency_hz[1]).astype(np.intp)
    near = power[rows[:, None], np.minimum(nearest[:, None] + np.arange(-2, 3), power.shape[1] - 1)]
    peak: NDArray[np.bool_] = near[:, 1:-1].max(axis=1) > np.maximum(near[:, 0], near[:, -1])
    return peak


def _ratio_db(part: Array, rest: Array) -> Array:
    worst, best = 10 ** (-SNR_LIMIT_DB / 10), 10 ** (SNR_LIMIT_DB / 10)
    rest = np.maximum(rest, 0)
    ratio = np.where(part > 0, part / np.maximum(rest, part / best + np.finfo(float).tiny), 0)
    decibels: Array = 10 * np.log10(np.clip(ratio, worst, best))
    return decibels
