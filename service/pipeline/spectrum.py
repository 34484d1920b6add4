"""Signal processing without opinions: filters, windowed power spectra, peaks, SNR, the path of a rate over windows.

Spectra are taken from the detrended wave, not from the band-passed one: the filter's slope would pull peaks at
0.7 and 4 Hz inwards, and what lies just below the band tells a drift from a pulse. The band limits the search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from service.pipeline.types import NOISE_SLOPE

Array = NDArray[np.float64]

BAND_HZ = (0.7, 4.0)  # 42 to 240 bpm
WINDOW_S = 10.0
HOP_S = 1.0
SNR_HALF_WIDTH_HZ = 0.1  # 6 bpm to each side, de Haan & Jeanne 2013
SNR_LIMIT_DB = 40.0  # a spectrum without any noise has this, not infinity
_FILTER_ORDER = 2  # run forwards and backwards: fourth
_PADDED_S = 30.0  # spectra are zero-padded to this span at least: bins of 2 bpm or finer
SILENCE = 1e-9  # of the wave's size: rounding, no signal
_LINE_IN_FLOOR = 0.1
_HARMONIC_TO_PULSE = 1.5
_SLOPE_COUNTS = 0.1
_USUAL_BPM = (50.0, 160.0)
_FALL_BPM = (5.0, 25.0)  # standard deviations of what is left beyond them
_JUMP_COST_PER_BPM = 0.1  # in nats of log power, for a step between two windows


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


def band_pass(wave: Array, fps: float) -> Array:
    """Return `wave` (T,) band-passed to 0.7-4 Hz without delay (Butterworth, forwards and backwards).

    The ends are extended by their point reflection for 3 s, so that a drift starts no ringing there.
    """
    if len(wave) < 2:
        return np.zeros_like(wave)
    nyquist_hz = fps / 2
    sos = signal.butter(
        _FILTER_ORDER, (BAND_HZ[0], min(BAND_HZ[1], 0.95 * nyquist_hz)), "bandpass", fs=fps, output="sos"
    )
    filtered: Array = signal.sosfiltfilt(sos, wave, padlen=min(len(wave) - 1, int(3 * fps)))
    return filtered


def power_spectra(wave: Array, fps: float, noise_slope: float = NOISE_SLOPE) -> Spectra:
    """Return the power spectrum of each 10-s window of `wave` (T,), one per second; of all of it when it is shorter.

    Windows are detrended (second order), tapered (Hann) and zero-padded. A window that is constant to rounding has
    no power at all. T may be anything from 4.
    """
    length = min(len(wave), round(WINDOW_S * fps))
    starts = np.round(np.arange(0, len(wave) - length + 1e-9, HOP_S * fps)).astype(np.intp)
    windows = np.lib.stride_tricks.sliding_window_view(wave, length)[starts]
    detrended = _detrend(windows)
    size = np.abs(windows).max(axis=1, keepdims=True)
    detrended[np.abs(detrended).max(axis=1) <= SILENCE * size[:, 0]] = 0
    padded = fft.next_fast_len(max(round(_PADDED_S * fps), length), real=True)
    power = np.abs(fft.rfft(detrended * signal.windows.hann(length, sym=False), padded)) ** 2
    frequency_hz = fft.rfftfreq(padded, 1 / fps)
    kept = frequency_hz <= 2 * BAND_HZ[1] + SNR_HALF_WIDTH_HZ  # the second harmonics of the whole band
    return Spectra(frequency_hz[kept], power[:, kept], starts, length, fps, noise_slope)


def _detrend(windows: Array) -> Array:
    length = windows.shape[1]
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, length), 3))
    residual: Array = windows - (windows @ basis) @ basis.T
    return residual


def harmonic_support(spectra: Spectra) -> Array:
    """Return (W, B): how much each frequency of the band looks like a pulse's fundamental.

    The power times f^1.5, plus that at 2f as far as it belongs to a pulse at f. The factor is the noise's: what a
    camera sees of light and motion falls about as 1/f, the summed errors of a model as 1/f^2, and without it their
    lower end outweighs every pulse. At 2f, one and a half times the power at f is counted: a rate then wins over a
    second harmonic of up to 1.8 times its power, and a lone line over noise at half its frequency.
    """
    band = spectra.band
    flat = spectra.flat
    doubled = np.zeros_like(flat[:, band])
    twice = 2 * np.arange(band.start, band.stop)
    inside = twice < flat.shape[1]
    doubled[:, inside] = flat[:, twice[inside]]
    fundamental = flat[:, band]
    support: Array = fundamental + np.minimum(_HARMONIC_TO_PULSE * 2**spectra.noise_slope * fundamental, doubled)
    return support


def plausibility(spectra: Spectra) -> Array:
    """Return (W, B), 0..1: how far each frequency may be the rate, whatever its power, of somebody before a camera.

    1 from 50 to 160 bpm, falling off as a normal distribution to 0.28 at 42, 0.73 at 180 and 0.006 at 240 bpm; and a
    tenth of that where the power only falls, from below the band into it: no line, but the foot of a drift. A clear
    line outweighs it; where there is none, it keeps the answer from the ends of the band, to which noise draws it.
    """
    band = spectra.band
    bpm = 60 * spectra.frequency_hz[band]
    beyond = np.maximum((_USUAL_BPM[0] - bpm) / _FALL_BPM[0], (bpm - _USUAL_BPM[1]) / _FALL_BPM[1])
    usual = np.exp(-0.5 * np.maximum(beyond, 0) ** 2)
    falls = np.diff(spectra.power[:, band.start - 1 : band.stop], axis=1) < 0
    weight: Array = np.where(np.logical_and.accumulate(falls, axis=1), _SLOPE_COUNTS, 1.0) * usual
    return weight


def follow_rate(support: Array, step_bpm: float) -> NDArray[np.intp]:
    """Return (W,): the path through `support` (W, B) with the most log power, less a cost per bpm of each step.

    Viterbi's algorithm; a cost that is linear in the distance lets two running maxima replace the table of all steps.
    """
    bins = np.arange(support.shape[1])
    cost = _JUMP_COST_PER_BPM * step_bpm
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


def peak_hz(spectra: Spectra, bins: NDArray[np.intp]) -> Array:
    """Return (W,): the frequency of the spectrum's peak at or beside the bins (W,) of the band, in 0.7..4 Hz.

    Interpolated by a parabola through three bins of log power (exact for a Gaussian line, to 0.05 bpm for Hann's).
    """
    power, band = spectra.power, spectra.band
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
    band = spectra.band
    frequency, power = spectra.frequency_hz[band], spectra.power[:, band]
    half = spectra.snr_half_width_hz + 1e-9  # both ends included, whatever the rounding
    is_pulse = (np.abs(frequency - rate_hz[:, None]) <= half) | (np.abs(frequency - 2 * rate_hz[:, None]) <= half)
    pulse = np.where(is_pulse, power, 0).sum(axis=1)
    return _ratio_db(pulse, power.sum(axis=1) - pulse)


def prominence_db(spectra: Spectra, rate_hz: Array) -> Array:
    """Return (W,): how far the line at rate_hz (W,) stands out of its neighbourhood, in dB, within +-40.

    The mean of f^2 x power within the line over that to both sides of it (second harmonic left out), taking a tenth of
    the line as floor too: few neighbours prove little. The factor f^2 flattens the spectrum of a random walk, which
    always peaks at the lower end of the band; so do drifts and steps, and summed noise of a model that sees no
    pulse. Where the spectrum has no peak at rate_hz, but only a slope, the result is -40.
    """
    frequency, half = spectra.frequency_hz, 1 / spectra.window_s
    flat = spectra.power * frequency**2
    distance = np.abs(frequency - rate_hz[:, None])
    is_line = distance <= half
    is_floor = (distance > 2 * half) & (distance <= 2 * half + max(0.6, 6 * half)) & (frequency >= 0.6 - 2 * half)
    is_floor &= np.abs(frequency - 2 * rate_hz[:, None]) > 1.5 * half
    line = np.where(is_line, flat, 0).sum(axis=1)
    floor = np.where(is_floor, flat, 0).sum(axis=1) + _LINE_IN_FLOOR * line
    share = line * (is_floor.sum(axis=1) / is_line.sum(axis=1) + _LINE_IN_FLOOR)
    return np.where(_is_peak(spectra, rate_hz), _ratio_db(share, floor), -SNR_LIMIT_DB)


def _is_peak(spectra: Spectra, rate_hz: Array) -> NDArray[np.bool_]:
    rows, power = np.arange(len(rate_hz)), spectra.power
    nearest = np.round(rate_hz / spectra.frequency_hz[1]).astype(np.intp)
    near = power[rows[:, None], nearest[:, None] + np.arange(-2, 3)]
    peak: NDArray[np.bool_] = near[:, 1:-1].max(axis=1) > np.maximum(near[:, 0], near[:, -1])
    return peak


def _ratio_db(part: Array, rest: Array) -> Array:
    worst, best = 10 ** (-SNR_LIMIT_DB / 10), 10 ** (SNR_LIMIT_DB / 10)
    rest = np.maximum(rest, 0)
    ratio = np.where(part > 0, part / np.maximum(rest, part / best + np.finfo(float).tiny), 0)
    decibels: Array = 10 * np.log10(np.clip(ratio, worst, best))
    return decibels
