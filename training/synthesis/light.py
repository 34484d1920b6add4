"""Light over a clip: drift, mains flicker, steps, a screen's glow, white balance, and auto exposure's reaction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthesis.pulse_wave import Series, smooth_noise


@dataclass(frozen=True, slots=True)
class LightSettings:
    """Light and its changes; sizes are relative to the pixel value.

    colour: cast of the light in R, G, B. azimuth, elevation: where it comes from, radians. ambient: 0..1, share of
    light without a direction. sway: how far it wanders, radians. shine: strength of the skin's mirror reflection
    relative to light skin; shininess: how narrow it is. drift: slow change. flicker, flicker_hz, flicker_bands:
    mains light as the shutter sees it, bands per picture height. steps: number of sudden changes, step their size.
    screen: a screen's changing glow. balance_drift, balance_steps: white balance. exposure_gain: 0..1, how far
    auto exposure undoes changes, after exposure_lag_s.
    """

    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    azimuth: float = 0.3
    elevation: float = 0.3
    ambient: float = 0.6
    sway: float = 0.0
    shine: float = 0.1
    shininess: float = 12.0
    drift: float = 0.0
    flicker: float = 0.0
    flicker_hz: float = 5.0
    flicker_bands: float = 0.0
    steps: int = 0
    step: float = 0.05
    screen: float = 0.0
    balance_drift: float = 0.0
    balance_steps: int = 0
    exposure_gain: float = 0.0
    exposure_lag_s: float = 0.7


@dataclass(frozen=True, slots=True)
class Lights:
    """Light at each frame.

    gain: float64 (N, 3), factor on pixel values. screen: float64 (N, 3), a further factor on what faces the
    screen. flicker: float64 (N,) phase in radians of the first row. direction: float64 (N, 3), unit vectors
    towards the light: right, down, to the camera.
    """

    gain: NDArray[np.float64]
    screen: NDArray[np.float64]
    flicker: Series
    direction: NDArray[np.float64]


def make_lights(settings: LightSettings, times_s: Series, rng: np.random.Generator) -> Lights:
    """Light one clip; times_s float64 (N,) are the frames' times."""
    common = settings.drift * smooth_noise(times_s, 0.02, 0.3, rng) + _steps(
        settings.steps, settings.step, times_s, rng
    )
    common -= settings.exposure_gain * _lagged(common, times_s, settings.exposure_lag_s)
    balance = np.stack([smooth_noise(times_s, 0.02, 0.2, rng, 4) for _ in range(3)], 1) * settings.balance_drift
    for channel in range(3):
        balance[:, channel] += _steps(settings.balance_steps, 0.01, times_s, rng)
    gain = np.asarray(settings.colour) * np.exp(common[:, None] + balance)
    azimuth = settings.azimuth + settings.sway * smooth_noise(times_s, 0.03, 0.3, rng)
    flat = np.cos(settings.elevation)
    up = np.full_like(times_s, -np.sin(settings.elevation))
    direction = np.stack([flat * np.sin(azimuth), up, flat * np.cos(azimuth)], 1)
    phase = 2 * np.pi * settings.flicker_hz * times_s + rng.uniform(0, 2 * np.pi)
    return Lights(gain, _screen(settings.screen, times_s, rng), phase, direction)


def _steps(count: int, size: float, times_s: Series, rng: np.random.Generator) -> Series:
    """Changes that take about a tenth of a second each."""
    curve = np.zeros_like(times_s)
    for at_s in rng.uniform(0, times_s[-1], count):
        curve += rng.normal(0, size) / (1 + np.exp(-np.clip((times_s - at_s) / 0.03, -50, 50)))
    return curve


def _lagged(curve: Series, times_s: Series, lag_s: float) -> Series:
    """What auto exposure has noticed of a curve: a first-order lag, in the steps of a camera's exposure register."""
    noticed = np.zeros_like(curve)
    noticed[0] = curve[0]
    for index in range(1, len(curve)):
        share = 1 - np.exp(-(times_s[index] - times_s[index - 1]) / lag_s)
        noticed[index] = noticed[index - 1] + share * (curve[index - 1] - noticed[index - 1])
    register: Series = np.round(noticed / 0.002) * 0.002
    return register


def _screen(strength: float, times_s: Series, rng: np.random.Generator) -> NDArray[np.float64]:
    """Cuts of a video: every few seconds another colour, with some flicker within."""
    glow = np.zeros((len(times_s), 3))
    if strength:
        cuts = np.sort(rng.uniform(0, times_s[-1], 1 + int(times_s[-1] * rng.uniform(0.2, 2.0))))
        scene = np.searchsorted(cuts, times_s)
        glow = rng.normal(0, 1, (len(cuts) + 1, 1)) + 0.5 * rng.normal(0, 1, (len(cuts) + 1, 3))
        glow = glow[scene] + 0.5 * smooth_noise(times_s, 0.3, 4.0, rng)[:, None]
    return np.exp(strength * glow)
