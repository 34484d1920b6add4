"""How head, lids and jaw move over a clip."""

from dataclasses import dataclass

import numpy as np

from training.synthesis.pulse_wave import Series, Truth, smooth_noise

MOTIONS = ("still", "sway", "rhythmic", "talking", "ballistic", "turning", "photograph")


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """What moves.

    kind: one of MOTIONS; all but `photograph` come with the small movements of a living head. strength: 0..1 of
    the kind's largest movement. rate_hz: of `rhythmic` nods and of `talking` syllables. blink_hz: mean rate of
    blinks. handheld: 0..1, how much the camera itself shakes.
    """

    kind: str = "still"
    strength: float = 0.5
    rate_hz: float = 1.0
    blink_hz: float = 0.25
    handheld: float = 0.0


@dataclass(frozen=True, slots=True)
class Poses:
    """Head pose at each frame, each float64 (N,).

    x, y: shift of the head in face heights. roll, yaw, pitch: radians. zoom: size relative to the clip's. jaw: 0
    shut to 1 open. lid: 0 open to 1 shut. camera_x, camera_y: shift of the whole picture in face heights.
    """

    x: Series
    y: Series
    roll: Series
    yaw: Series
    pitch: Series
    zoom: Series
    jaw: Series
    lid: Series
    camera_x: Series
    camera_y: Series


def make_poses(settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator) -> Poses:
    """Move the head for one clip; times_s float64 (N,) are the frames' times."""
    alive = 0.0 if settings.kind == "photograph" else 1.0
    curves = {name: np.zeros_like(times_s) for name in Poses.__slots__}
    for name, size in (("x", 0.004), ("y", 0.004), ("roll", 0.006), ("yaw", 0.015), ("pitch", 0.012), ("zoom", 0.004)):
        curves[name] += alive * size * rng.uniform(0.3, 1.5) * smooth_noise(times_s, 0.05, 0.8, rng)
    curves["zoom"] += 1.0
    curves["lid"] = alive * _blinks(settings.blink_hz, times_s, rng)
    _KINDS[settings.kind](curves, settings, times_s, truth, rng)
    for name in ("camera_x", "camera_y"):
        slow = smooth_noise(times_s, 0.1, 1.0, rng)
        tremor = smooth_noise(times_s, 2.0, 9.0, rng)
        curves[name] = settings.handheld * (0.03 * slow + 0.003 * tremor)
    return Poses(**curves)


def _still(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    """Nothing but the small movements of every living head."""


def _sway(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    for name, size in (("x", 0.06), ("y", 0.03), ("roll", 0.05), ("yaw", 0.12), ("pitch", 0.06), ("zoom", 0.03)):
        curves[name] += settings.strength * size * smooth_noise(times_s, 0.05, 0.6, rng)


def _rhythmic(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    wander = 0.15 * smooth_noise(times_s, 0.03, 0.2, rng, 4)
    phase = 2 * np.pi * (settings.rate_hz * times_s + wander)
    shares = rng.uniform(-0.4, 0.4, 5)
    shares[rng.integers(5)] = rng.choice([-1.0, 1.0])
    sizes = (("x", 0.03), ("y", 0.04), ("roll", 0.06), ("yaw", 0.12), ("pitch", 0.12))
    for (name, size), share in zip(sizes, shares, strict=True):
        wave = np.sin(phase + rng.uniform(0, 0.6)) + 0.2 * np.sin(2 * phase)
        curves[name] += settings.strength * size * share * wave


def _talking(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    speaking = np.clip(0.5 + 1.2 * smooth_noise(times_s, 0.1, 0.5, rng), 0, 1)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(_rates(settings.rate_hz, times_s, rng)))
    curves["jaw"] += np.clip(
        settings.strength * speaking * syllables * (1 + 0.4 * smooth_noise(times_s, 0.5, 3, rng)), 0, 1
    )
    for name, size in (("x", 0.02), ("y", 0.02), ("roll", 0.03), ("yaw", 0.08), ("pitch", 0.06)):
        curves[name] += settings.strength * size * speaking * smooth_noise(times_s, 0.2, 2.0, rng)


def _ballistic(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    """Each beat's recoil nods the head by a fraction of a pixel (Balakrishnan 2013), at the pulse's own rate."""
    recoil = np.interp(times_s - rng.uniform(-0.1, 0.1), truth.times_s, truth.ppg)
    curves["y"] += settings.strength * 0.004 * recoil
    curves["pitch"] += settings.strength * 0.004 * recoil


def _turning(
    curves: dict[str, Series], settings: MotionSettings, times_s: Series, truth: Truth, rng: np.random.Generator
) -> None:
    for name, size in (("yaw", 0.45), ("pitch", 0.2), ("roll", 0.15), ("x", 0.12), ("y", 0.06), ("zoom", 0.06)):
        curves[name] += settings.strength * size * np.tanh(1.5 * smooth_noise(times_s, 0.05, 0.4, rng))


_KINDS = {
    "still": _still,
    "sway": _sway,
    "rhythmic": _rhythmic,
    "talking": _talking,
    "ballistic": _ballistic,
    "turning": _turning,
    "photograph": _still,
}


def _rates(rate_hz: float, times_s: Series, rng: np.random.Generator) -> Series:
    """Turns per frame of a syllable-like rhythm."""
    steps = np.diff(times_s, prepend=times_s[0])
    turns: Series = steps * rate_hz * np.clip(1 + 0.4 * smooth_noise(times_s, 0.2, 1.5, rng), 0.3, 2)
    return turns


def _blinks(rate_hz: float, times_s: Series, rng: np.random.Generator) -> Series:
    lid = np.zeros_like(times_s)
    time_s = float(rng.exponential(1 / rate_hz)) if rate_hz > 0 else np.inf
    while time_s < times_s[-1]:
        shut_s = rng.uniform(0.05, 0.09)
        lid = np.maximum(lid, np.exp(-(((times_s - time_s) / shut_s) ** 4)))
        time_s += 0.3 + float(rng.exponential(1 / rate_hz))
    return lid
