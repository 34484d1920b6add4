"""Breathing from what it does to the pulse: it changes the beats' height, their distance and their length.

Karlen et al. 2013 take the rate where such modulations agree. Here their spectra are added, each with the same weight,
so that a rate stands out where it is in several or very clear in one; how far it does is the confidence.
"""

import numpy as np
from scipy import signal, special

from service.pipeline.answers import HeartRate, Respiration, Withheld
from service.pipeline.beats import Beats
from service.pipeline.spectrum import Array

MIN_SPAN_S = 20.0
BAND_HZ = (0.08, 0.6)  # 5 to 36 breaths per minute
MIN_CONFIDENCE = 0.8  # noise alone reaches it in one of fifty recordings of 20 to 30 s
MIN_HEART_CONFIDENCE = 0.5
MAX_ARTEFACTS = 0.3
_PER_BEAT = 0.45  # of the heart rate: the beats sample the breath, which must be slower than half of it
_LINE_HZ = 0.04  # half width of a breathing rate that wanders, in a Hann window of 30 s
_SAMPLED_HZ = 4.0
_WINDOW_S = 60.0  # of longer recordings, half overlapping: the breath wanders
_POINTS = 4096  # bins of 0.06 breaths per minute
# Logistic function of the line's share of the power: whether it is within 2 per minute of the breath, fitted on
# rendered faces, see training/LOG.md.
_BIAS, _WEIGHT = -4.2, 11.4


def breathing(beats: Beats, rate: HeartRate) -> Respiration | Withheld:
    """Return the respiration rate and its confidence, or why it is not said."""
    if rate.status != "ok" or rate.confidence < MIN_HEART_CONFIDENCE:
        return Withheld("low_confidence", f"The heart rate's confidence is below {MIN_HEART_CONFIDENCE}.")
    if len(rate.bvp) / rate.fps < MIN_SPAN_S:
        return Withheld("too_short", f"Breathing needs at least {MIN_SPAN_S:g} s of the face.")
    if not len(beats.normal) or beats.normal.mean() < 1 - MAX_ARTEFACTS:
        return Withheld("too_many_artefacts", "Too many beats are disturbed, missed or irregular.")
    hz, power = _spectrum(beats, min(BAND_HZ[1], _PER_BEAT * rate.bpm / 60))
    top = int(power.argmax())
    share = power[np.abs(hz - hz[top]) < _LINE_HZ].sum() / power.sum()
    confidence = float(special.expit(_BIAS + _WEIGHT * share))
    if confidence < MIN_CONFIDENCE:
        return Withheld("modulation_unclear", "The pulse shows no clear rhythm of breathing.")
    return Respiration(60 * float(hz[top]), confidence)


def _spectrum(beats: Beats, highest_hz: float) -> tuple[Array, Array]:
    """Return frequencies (F,) and the sum of the modulations' spectra (F,), each of which sums to one."""
    grid_s = np.arange(beats.times_s[0], beats.times_s[-1], 1 / _SAMPLED_HZ)
    middles_s = (beats.times_s[1:] + beats.times_s[:-1]) / 2
    height = np.interp(grid_s, beats.times_s[beats.good], beats.amplitude[beats.good])
    length = np.interp(grid_s, beats.times_s[beats.good], beats.width[beats.good])
    distance = np.interp(grid_s, middles_s[beats.normal], beats.intervals_ms[beats.normal])
    series = np.stack([height, distance, length])
    window = min(len(grid_s), round(_WINDOW_S * _SAMPLED_HZ))
    hz, power = signal.welch(series, _SAMPLED_HZ, nperseg=window, nfft=_POINTS, detrend=signal.detrend)
    inside = (hz >= BAND_HZ[0]) & (hz <= highest_hz)
    power = power[:, inside] + np.finfo(float).tiny
    return hz[inside], (power / power.sum(axis=1, keepdims=True)).sum(axis=0)
