"""The mixture of recordings that DEFAULT_CALIBRATION was fitted on; run as a module it prints the fit.

Half has no pulse at all: whatever rate is read from it counts as wrong, and twenty times, since a confident number
for a photograph is the worst failure. The others are pulses of 42 to 200 bpm with a wandering rate in noise of every
level and colour; one in twelve has a rhythmic motion, which can be stronger.
"""

import sys

import numpy as np

from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.quality import fit_calibration
from service.pipeline.types import Calibration, Pulse
from tests.service.pipeline.signals import PULSELESS, as_pulse, coloured_noise, pulse_wave, times

FPS = 30.0
RECORDINGS = 2400
RIGHT_BPM = 5.0
PULSELESS_COUNTS = 20.0
_TRUSTING = Calibration(bias=40.0, weights={})  # so that the bpm does not depend on what is being fitted


def recording(seed: int) -> tuple[Pulse, float | None]:
    """Return samples and their true bpm, None where there is no pulse."""
    rng = np.random.default_rng([20, seed])
    pulseless = seed % 2 == 0
    octaves = rng.random() ** (2 if pulseless else 1) * 4.5  # 5 s to 2 min; the short ones deceive more easily
    samples = round(5 * 2**octaves * FPS)
    if pulseless:
        families = list(PULSELESS.values())
        return families[seed // 2 % len(families)](samples, seed), None
    bpm = 42 * (200 / 42) ** rng.random()
    wave = pulse_wave(bpm, samples / FPS, FPS, seed=seed, variability=rng.uniform(0, 0.05), second=rng.uniform(0, 0.9))
    wave += 10 ** rng.uniform(-1, 0.9) * coloured_noise(samples, rng.uniform(0, 3), seed=seed)
    if seed % 24 == 5:
        wave += rng.uniform(0, 2) * np.sin(2 * np.pi * rng.uniform(0.3, 3) * times(samples / FPS, FPS))
    if seed % 4 == 1:
        return as_pulse(np.diff(wave), FPS, "derivative"), bpm
    return as_pulse(wave, FPS), bpm


def mixture(seeds: range = range(RECORDINGS)) -> tuple[list[dict[str, float]], list[bool], list[float]]:
    """Return each recording's features, whether its bpm is right, and how much it counts."""
    features, correct, importance = [], [], []
    for pulse, bpm in map(recording, seeds):
        features.append(quality_features(pulse))
        correct.append(bpm is not None and abs(heart_rate(pulse, _TRUSTING).bpm - bpm) <= RIGHT_BPM)
        importance.append(PULSELESS_COUNTS if bpm is None else 1.0)
    return features, correct, importance


def fit() -> Calibration:
    return fit_calibration(*mixture())


if __name__ == "__main__":
    sys.stdout.write(f"{fit()}\n")
