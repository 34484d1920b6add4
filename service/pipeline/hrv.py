"""Heart rate variability from the intervals between beats, or the reason why the wave does not carry it.

The measures are those of the Task Force 1996. A camera's pulse wave is noisy: an error of s in each beat's time adds
6 s^2 to the square of RMSSD and 2 s^2 to that of SDNN, so that a regular heart would seem a lively one. What the wave
says of s is taken off, and where there is too much to take off, nothing is said.
"""

import numpy as np
from scipy import integrate, interpolate, signal

from service.pipeline.answers import HeartRate, Hrv, Withheld
from service.pipeline.beats import Beats
from service.pipeline.spectrum import Array
from service.pipeline.types import Bools

MIN_SPAN_S = 20.0  # RMSSD holds from there on, Munoz et al. 2015; SDNN is then that of the 20 s
MIN_INTERVALS = 12
MIN_CONFIDENCE = 0.8
MAX_ARTEFACTS = 0.15
# What is said is to be right within 10 ms: measured on rendered faces and on fingertips, see training/LOG.md.
MAX_TIMING_ERROR_MS = 5.0  # were the error a third larger than said, a heart like a clock would get an RMSSD of 11 ms
MAX_LIVELY_TIMING_ERROR_MS = 8.0  # where RMSSD would be 20 ms or more even then
_LIVELY_MS, _NOISE_AT_MOST = 20.0, 1.34
SPECTRUM_FROM_S = 60.0  # a minute holds two periods of the slowest rhythm in question
LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)
_TACHOGRAM_HZ = 4.0
_WELCH_S = 120.0
_PNN_MS = 50.0 + 1e-6  # more than 50, whatever the rounding


def variability(beats: Beats, rate: HeartRate) -> Hrv | Withheld:
    """Return the heart rate variability that the beats of a recording show, or why it is not said."""
    refused = _refusal(beats, rate)
    if refused is not None:
        return refused
    ibi_ms, normal = beats.intervals_ms, beats.normal
    noise_ms2 = beats.timing_error_ms**2
    steps_ms = _steps_ms(beats)
    raw_rmssd_ms = float(np.sqrt((steps_ms**2).mean()))
    rmssd_ms = _less(raw_rmssd_ms, 6 * noise_ms2)
    shrink = rmssd_ms / raw_rmssd_ms if raw_rmssd_ms else 1.0
    lf_ms2, hf_ms2 = _bands(beats) if _span_s(rate) >= SPECTRUM_FROM_S else (None, None)
    return Hrv(
        beats_s=tuple(beats.times_s.tolist()),
        ibi_ms=tuple(ibi_ms.tolist()),
        ibi_ok=tuple(normal.tolist()),
        sdnn_ms=_less(float(ibi_ms[normal].std(ddof=1)), 2 * noise_ms2),
        rmssd_ms=rmssd_ms,
        pnn50=100 * float((np.abs(steps_ms) * shrink > _PNN_MS).mean()),
        lf_ms2=lf_ms2,
        hf_ms2=hf_ms2,
        lf_hf=lf_ms2 / hf_ms2 if lf_ms2 is not None and hf_ms2 else None,
        artefacts_ratio=_artefacts(beats),
        timing_error_ms=beats.timing_error_ms,
    )


def _refusal(beats: Beats, rate: HeartRate) -> Withheld | None:
    if rate.status != "ok" or rate.confidence < MIN_CONFIDENCE:
        return Withheld("low_confidence", f"The heart rate's confidence is below {MIN_CONFIDENCE}.")
    if _span_s(rate) < MIN_SPAN_S:
        return Withheld("too_short", f"Heart rate variability needs at least {MIN_SPAN_S:g} s of the face.")
    steps_ms = _steps_ms(beats)
    if _artefacts(beats) > MAX_ARTEFACTS or len(steps_ms) < MIN_INTERVALS:
        return Withheld("too_many_artefacts", "Too many beats are disturbed, missed or irregular.")
    error_ms = beats.timing_error_ms
    lively = (steps_ms**2).mean() > _LIVELY_MS**2 + 6 * (_NOISE_AT_MOST * error_ms) ** 2
    if error_ms > (MAX_LIVELY_TIMING_ERROR_MS if lively else MAX_TIMING_ERROR_MS):
        return Withheld("wave_too_noisy", "The wave's noise moves the beats by too many milliseconds.")
    return None


def _steps_ms(beats: Beats) -> Array:
    """Return the differences of successive intervals that are both normal."""
    steps: Array = np.diff(beats.intervals_ms)[beats.normal[1:] & beats.normal[:-1]]
    return steps


def _span_s(rate: HeartRate) -> float:
    return len(rate.bvp) / rate.fps


def _artefacts(beats: Beats) -> float:
    return 1 - float(beats.normal.mean()) if len(beats.normal) else 1.0


def _less(measured_ms: float, noise_ms2: float) -> float:
    return float(np.sqrt(max(measured_ms**2 - noise_ms2, 0.0)))


def _bands(beats: Beats) -> tuple[float, float]:
    """Return the power of the intervals in LF and HF, ms^2, less that of the noise of the beats' times.

    An interval stands at its second beat. Interpolated to 4 Hz after Akima, which does not overshoot where some are
    missing; Welch's method with Hann windows of up to 120 s.
    """
    at_s, ibi_ms = beats.times_s[1:][beats.normal], beats.intervals_ms[beats.normal]
    grid_s = np.arange(at_s[0], at_s[-1], 1 / _TACHOGRAM_HZ)
    tachogram_ms = interpolate.Akima1DInterpolator(at_s, ibi_ms)(grid_s)
    length = min(len(grid_s), round(_WELCH_S * _TACHOGRAM_HZ))
    hz, density = signal.welch(tachogram_ms, _TACHOGRAM_HZ, nperseg=length, detrend=signal.detrend, nfft=4 * length)
    # The difference of two times, each with white errors sampled once a beat.
    rate_hz = 1000 / ibi_ms.mean()
    noise = 2 / rate_hz * beats.timing_error_ms**2 * (2 - 2 * np.cos(2 * np.pi * hz / rate_hz))
    return _power(hz, density - noise, LF_HZ), _power(hz, density - noise, HF_HZ)


def _power(hz: Array, density: Array, band_hz: tuple[float, float]) -> float:
    inside: Bools = (hz >= band_hz[0]) & (hz < band_hz[1])
    return max(float(integrate.trapezoid(density[inside], hz[inside])), 0.0)
