"""Hearts whose every beat is known: pulse waves from intervals, and beats without a wave."""

import numpy as np

from service.pipeline.answers import HeartRate, HeartRateWindow
from service.pipeline.beats import Beats
from service.pipeline.pulse import heart_rate
from service.pipeline.types import Bools
from tests.service.pipeline.signals import Array, as_pulse

FPS = 30.0


def intervals_ms(
    bpm: float, duration_s: float, *, jitter: float = 0.02, rsa: float = 0.0, breath_hz: float = 0.25, seed: int = 0
) -> Array:
    """Return intervals (N,) that fill duration_s: a mean rate, random changes and breathing, relative to it."""
    rng = np.random.default_rng(seed)
    count = int(duration_s * bpm / 60 * 1.2)
    index = np.arange(count)
    breath = np.sin(2 * np.pi * breath_hz * index * 60 / bpm)
    drawn = 60_000 / bpm * (1 + jitter * rng.standard_normal(count) + rsa * breath)
    return np.asarray(drawn[np.cumsum(drawn) < 1000 * duration_s])


def wave_of(beats_s: Array, duration_s: float, *, heights: Array | None = None, fps: float = FPS) -> Array:
    """Return a pulse wave (T,) with its systolic peaks at beats_s and a dicrotic wave after each, up = more blood."""
    seconds = np.arange(round(duration_s * fps)) / fps
    length_s = float(np.median(np.diff(beats_s)))
    high = np.ones(len(beats_s)) if heights is None else heights
    since = (seconds[:, None] - beats_s) / length_s
    shape = np.exp(-0.5 * (since / 0.1) ** 2) + 0.3 * np.exp(-0.5 * ((since - 0.35) / 0.12) ** 2)
    return np.asarray(shape @ high)


def beats_after(intervals: Array, first_s: float = 0.4) -> Array:
    return np.asarray(first_s + np.r_[0, np.cumsum(intervals)] / 1000)


def rate_of(wave: Array, fps: float = FPS) -> HeartRate:
    return heart_rate(as_pulse(wave, fps))


def known_rate(bpm: float, duration_s: float, confidence: float = 0.95, *, ok: bool = True) -> HeartRate:
    """Return a heart rate made by hand, of a silent wave."""
    window = HeartRateWindow(0.0, duration_s, bpm, 9.0, confidence, ok)
    silence = np.zeros(round(duration_s * FPS), np.float32)
    return HeartRate(bpm, confidence, 9.0, "ok" if ok else "low_quality", (window,), silence, FPS, 0.0)


def known_beats(
    intervals: Array, *, normal: Bools | None = None, amplitude: Array | None = None, timing_error_ms: float = 0.0
) -> Beats:
    """Return beats with these intervals in ms, all of them good."""
    times_s = beats_after(intervals)
    height = np.ones(len(times_s)) if amplitude is None else amplitude
    return Beats(
        times_s,
        height,
        np.zeros(len(times_s)),
        np.ones(len(times_s), bool),
        np.ones(len(intervals), bool) if normal is None else normal,
        timing_error_ms,
    )
