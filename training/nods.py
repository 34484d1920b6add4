"""Rendered heads that nod at a heart's rate: does anybody take it for the heart?

72 videos of 20 s, of the full mix but for what moves and for light and codecs that would hide it: nods at 42 to 156 a
minute, neither their rate nor twice that within 9 bpm of the heart's. One of three shows no pulse. `nods` shows people
of the split `test`; with `-calibration` those by whom it was chosen how much a head has to move for the confidence's
echo (service.pipeline.controls). Drawn from today's mix: a later one draws others.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from training.benchmark import DrawnSet
from training.synthesis.recipe import Recipe, sample_recipe

_FIRST_SEED = 900_000  # of its split's
_NO_PULSE_EVERY = 3
_RATE_HZ, _APART_HZ = (0.7, 2.6), 0.15
_WEAKEST = 0.2  # of the largest nods
_LEAST_BITS = 0.08  # per pixel


def nod_case(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe of the full mix with such nods."""
    rng = random.Random(seed)
    drawn = sample_recipe(seed, people, duration_s=duration_s)
    rate_hz = rng.uniform(*_RATE_HZ)
    while min(abs(times * rate_hz - drawn.pulse.hr_bpm / 60) for times in (1, 2)) < _APART_HZ:
        rate_hz = rng.uniform(*_RATE_HZ)
    strength = _WEAKEST * (1 / _WEAKEST) ** rng.random()
    return replace(
        drawn,
        pulse=drawn.pulse if seed % _NO_PULSE_EVERY else replace(drawn.pulse, strength=0.0),
        motion=replace(drawn.motion, kind="rhythmic", strength=strength, rate_hz=rate_hz),
        light=replace(drawn.light, flicker=0.0, screen=0.0),
        codec=replace(drawn.codec, bits_per_pixel=max(drawn.codec.bits_per_pixel, _LEAST_BITS)),
    )


def _kind(seed: int) -> str:
    return "nods" if seed % _NO_PULSE_EVERY else "nods without a pulse"


NODS = {
    drawn.name: drawn
    for drawn in (
        DrawnSet("nods", "test", 72, 20.0, nod_case, _FIRST_SEED, _kind),
        DrawnSet("nods-calibration", "calibration", 72, 20.0, nod_case, _FIRST_SEED, _kind),
    )
}
