"""The blood volume pulse: heart beats with realistic variability, integrated beat by beat, and their shape.

Rate: mean x (1 + respiratory sinus arrhythmia + slow drift + beat-to-beat jitter); phase is its integral, so every
beat has its own length. Shape: Gaussians with a dicrotic wave (after McSharry et al. 2003), harmonics, or average
beats of real recordings.
"""

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
TRUTH_HZ = 128.0
_SHAPE_POINTS = 256
_BREATH_DELAY_S = 0.3
_BEAT_SHAPES = Path(__file__).with_name("beat_shapes.json")


@dataclass(frozen=True, slots=True)
class PulseSettings:
    """One heart.

    hr_bpm: mean rate. rsa, drift, jitter: relative size of the rate's breathing, slow and beat-to-beat changes.
    shape: `gaussian`, `harmonic` or the name of a real beat. notch: height of the second wave or harmonic relative
    to the first, notch_phase its delay in beats. strength: peak-to-peak change of green relative to the skin's
    pixel value, 0 for no pulse. am_depth: how far breathing changes the beats' height; baseline_depth: the
    breathing wave added, relative to a beat. delay_s: largest delay between two parts of the face. beard, fringe:
    0..1, how much of the pulse is hidden below the nose, on the forehead (hair, make-up, a mask).
    """

    hr_bpm: float
    rsa: float = 0.03
    breath_hz: float = 0.25
    drift: float = 0.02
    jitter: float = 0.01
    shape: str = "gaussian"
    notch: float = 0.35
    notch_phase: float = 0.32
    strength: float = 0.01
    am_depth: float = 0.1
    baseline_depth: float = 0.1
    delay_s: float = 0.0
    beard: float = 0.0
    fringe: float = 0.0


@dataclass(frozen=True, slots=True)
class Truth:
    """The pulse that a clip shows.

    times_s, ppg: float64 (N,), the wave on a grid of 128 Hz from 0 to the clip's end, up = more blood = darker
    skin, a beat about 1 high; all zero without a pulse. beats_s: times of the beats' peaks. bpm: mean rate between
    the first and last of them, NaN without a pulse.
    """

    times_s: Series
    ppg: Series
    beats_s: Series
    bpm: float

    def write_csv(self, path: Path) -> None:
        """Write columns time_s, ppg, beat (1 at the sample nearest to a beat's peak)."""
        beat = np.zeros(len(self.times_s), int)
        beat[np.searchsorted(self.times_s, self.beats_s - 0.5 / TRUTH_HZ)] = 1
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time_s", "ppg", "beat"])
            for time_s, ppg, is_beat in zip(self.times_s, self.ppg, beat, strict=True):
                writer.writerow([f"{time_s:.6f}", f"{ppg:.5f}", is_beat])

    @classmethod
    def read_csv(cls, path: Path) -> "Truth":
        """Read what write_csv wrote; beats come back on the grid."""
        table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
        beats_s = table[table[:, 2] > 0, 0]
        return cls(table[:, 0], table[:, 1], beats_s, _mean_bpm(beats_s))


def make_truth(settings: PulseSettings, duration_s: float, rng: np.random.Generator) -> Truth:
    """Let the heart beat for duration_s."""
    times_s = np.arange(int(np.ceil(duration_s * TRUTH_HZ)) + 1) / TRUTH_HZ
    if settings.strength == 0:
        return Truth(times_s, np.zeros_like(times_s), np.empty(0), float("nan"))
    breath, later = _breathing(settings, times_s, rng)
    phase = _phase(settings, times_s, breath, rng)
    shape = beat_shape(settings)
    wave = np.interp(phase % 1.0, np.arange(_SHAPE_POINTS + 1) / _SHAPE_POINTS, np.append(shape, shape[0]))
    ppg = wave * (1 + settings.am_depth * breath) + settings.baseline_depth * later
    beats_s = _crossings(times_s, phase - float(np.argmax(shape)) / _SHAPE_POINTS)
    return Truth(times_s, ppg, beats_s, _mean_bpm(beats_s))


def beat_shape(settings: PulseSettings) -> Series:
    """Return one beat over its phase, float64 (256,), zero mean, 1 from trough to peak."""
    phase = np.arange(_SHAPE_POINTS) / _SHAPE_POINTS
    if settings.shape == "gaussian":
        beat = _bump(phase, 0.2, 0.085) + settings.notch * _bump(phase, 0.2 + settings.notch_phase, 0.11)
    elif settings.shape == "harmonic":
        turn = 2 * np.pi * phase
        beat = np.sin(turn) + settings.notch * np.sin(2 * turn + 2 * np.pi * settings.notch_phase)
    else:
        real = np.asarray(real_beats()[settings.shape])
        beat = np.interp(phase, np.arange(len(real) + 1) / len(real), np.append(real, real[0]))
    beat = beat - beat.mean()
    normal: Series = beat / np.ptp(beat)
    return normal


@lru_cache(maxsize=1)
def real_beats() -> dict[str, list[float]]:
    """Return the average beats of real fingertip recordings (Welltory PPG data set, CC0), by name."""
    beats: dict[str, list[float]] = json.loads(_BEAT_SHAPES.read_text())["beats"]
    return beats


def smooth_noise(times_s: Series, low_hz: float, high_hz: float, rng: np.random.Generator, tones: int = 8) -> Series:
    """Return a random curve of unit variance over times, made of tones whose frequency is uniform in its logarithm."""
    freqs = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), tones))
    phases = rng.uniform(0, 2 * np.pi, tones)
    curve: Series = np.sin(2 * np.pi * freqs[:, None] * times_s + phases[:, None]).sum(0) * np.sqrt(2 / tones)
    return curve


def _breathing(settings: PulseSettings, times_s: Series, rng: np.random.Generator) -> tuple[Series, Series]:
    """Two waves of one breathing: the chest's, and the one in the blood volume, which follows it."""
    rate = settings.breath_hz * (1 + 0.1 * smooth_noise(times_s, 0.02, 0.1, rng, 4))
    turns = np.cumsum(rate) / TRUTH_HZ + rng.uniform()
    return np.sin(2 * np.pi * turns), np.sin(2 * np.pi * (turns - rate * _BREATH_DELAY_S))


def _phase(settings: PulseSettings, times_s: Series, breath: Series, rng: np.random.Generator) -> Series:
    slow = smooth_noise(times_s, 0.01, 0.08, rng, 5)
    relative = 1 + settings.rsa * breath + settings.drift * slow
    rate_hz = settings.hr_bpm / 60 * np.clip(relative, 0.7, 1.3)
    phase = rng.uniform() + np.cumsum(rate_hz) / TRUTH_HZ
    # One random offset per beat boundary, joined by lines, keeps the phase continuous and growing.
    count = int(phase[-1]) + 3
    offsets = np.clip(rng.normal(0, settings.jitter, count), -0.1, 0.1)
    jittered: Series = phase + np.interp(phase, np.arange(count), offsets)
    return jittered


def _crossings(times_s: Series, phase: Series) -> Series:
    whole = np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1)
    found: Series = np.interp(whole, phase, times_s)
    return found


def _bump(phase: Series, centre: float, width: float) -> Series:
    away = (phase - centre + 0.5) % 1.0 - 0.5
    bump: Series = np.exp(-0.5 * (away / width) ** 2)
    return bump


def _mean_bpm(beats_s: Series) -> float:
    if len(beats_s) < 2:
        return float("nan")
    return float(60 * (len(beats_s) - 1) / (beats_s[-1] - beats_s[0]))
