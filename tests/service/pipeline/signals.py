"""Signals with a known rate, and signals without any, for the tests of the pulse stage and the classical methods."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from service.pipeline.controls import Controls
from service.pipeline.spectrum import Spectra
from service.pipeline.types import Pulse, SampleKind

Array = NDArray[np.float64]


def times(duration_s: float, fps: float) -> Array:
    return np.arange(round(duration_s * fps)) / fps


def pulse_wave(
    bpm: float, duration_s: float, fps: float, *, seed: int = 0, variability: float = 0.0, second: float = 0.25
) -> Array:
    """Return a pulse wave (T,) of unit fundamental: mean rate bpm, a second harmonic of amplitude `second`.

    variability is the standard deviation of the rate over its mean; the rate wanders slowly and with the breath.
    """
    t = times(duration_s, fps)
    rng = np.random.default_rng(seed)
    slow, breath = np.sin(2 * np.pi * (t * rng.uniform(0.01, 0.05) + rng.random())), np.sin(2 * np.pi * 0.25 * t)
    wander = 1 + variability * (slow + breath)
    phase = 2 * np.pi * np.cumsum(bpm / 60 * wander * len(t) / wander.sum()) / fps + rng.uniform(0, 2 * np.pi)
    return np.asarray(np.sin(phase) + second * np.sin(2 * phase + 1.0))


def coloured_noise(samples: int, exponent: float, *, seed: int) -> Array:
    """Return noise (T,) of unit variance whose power falls with f ** exponent."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(2 * samples))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-exponent / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum)[:samples]
    return np.asarray(noise / noise.std())


def as_pulse(samples: Array, fps: float, kind: SampleKind = "wave", *, valid: NDArray[np.bool_] | None = None) -> Pulse:
    own = np.ones(len(samples), bool) if valid is None else valid
    return Pulse(samples.astype(np.float32), own, 0.0, fps, kind)


def controls(
    chrominance: Pulse,
    *,
    skin: Array | None = None,
    around: Array | None = None,
    places: Sequence[Array] = (),
    motion: Sequence[Array] = (),
    key_times_s: Array | None = None,
) -> Controls:
    """Return what a rate is checked against: silence, but for what is given, on the grid of `chrominance`."""
    count, fps = len(chrominance.samples), chrominance.fps
    light = [as_pulse(np.zeros(count) if wave is None else wave, fps) for wave in (skin, around)]
    keys_s = np.empty(0) if key_times_s is None else key_times_s
    seen, moved = (tuple(as_pulse(wave, fps) for wave in waves) for waves in (places, motion))
    return Controls(chrominance, light[0], (light[1],), seen, moved, keys_s)


def steps(samples: int, *, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    jumps = np.zeros(samples)
    jumps[rng.integers(0, samples, 1 + samples // 150)] = rng.standard_normal(1 + samples // 150)
    return np.asarray(np.cumsum(jumps) + 0.01 * rng.standard_normal(samples))


def drift(samples: int, *, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, samples)
    return np.asarray(
        np.sin(2 * np.pi * (rng.uniform(0.2, 2) * t + rng.random())) + 3 * t**2 + 1e-3 * rng.random(samples)
    )


PULSELESS: dict[str, Callable[[int, int], Pulse]] = {
    "white": lambda n, seed: as_pulse(coloured_noise(n, 0, seed=seed), 30.0),
    "pink": lambda n, seed: as_pulse(coloured_noise(n, 1, seed=seed), 30.0),
    "brown": lambda n, seed: as_pulse(coloured_noise(n, 2, seed=seed), 30.0),
    "black": lambda n, seed: as_pulse(coloured_noise(n, 3, seed=seed), 30.0),
    "white derivative": lambda n, seed: as_pulse(coloured_noise(n, 0, seed=seed), 30.0, "derivative"),
    "pink derivative": lambda n, seed: as_pulse(coloured_noise(n, 1, seed=seed), 30.0, "derivative"),
    "blue derivative": lambda n, seed: as_pulse(np.diff(coloured_noise(n + 1, 0, seed=seed)), 30.0, "derivative"),
    "steps": lambda n, seed: as_pulse(steps(n, seed=seed), 30.0),
    "drift": lambda n, seed: as_pulse(drift(n, seed=seed), 30.0),
}
"""Families of samples at 30 fps without a pulse, by (count, seed): what a photograph, a wall or a bad light gives."""


def lines(*powers: tuple[float, float], floor: float = 0.0, window_s: float = 10.0) -> Spectra:
    """Spectra of one window: bins of 0.05 Hz to 8 Hz, `floor` everywhere but at the (Hz, power) given."""
    frequency_hz: Array = np.arange(161, dtype=np.float64) * 0.05
    power = np.full((1, 161), floor)
    for hz, value in powers:
        power[0, round(hz / 0.05)] = value
    return Spectra(frequency_hz, power, np.zeros(1, np.intp), round(window_s * 30.0), 30.0)
