"""Rendered faces under a lamp that flickers at a heart's rate: does anybody take it for the heart?

30 videos of 20 s of the calibration people, of the full mix but for the lamp: 0.2 to 1 % at 0.7 to 4 Hz. Two of three
show no pulse (a living face or a photograph of it), the third a pulse of at least 0.01 in strength. By videos like
these the limits of the confidence's echo were chosen (service.pipeline.controls), by these what chrominance must show
(service.pipeline.chrominance). Drawn from today's mix: a later one draws others.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from training.benchmark import DrawnSet
from training.draw_sets import LAMP, flickering, without_pulse
from training.synthesis.recipe import Recipe, sample_recipe

_ONE_WITH_PULSE_OF = 3


def lamp_case(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe of the full mix under such a lamp."""
    drawn = sample_recipe(seed, people, duration_s=duration_s)
    if seed % _ONE_WITH_PULSE_OF:
        return without_pulse(drawn, LAMP)
    pulse = replace(drawn.pulse, strength=max(drawn.pulse.strength, 0.01))
    return replace(drawn, pulse=pulse, light=flickering(drawn.light, random.Random(seed)))


def _kind(seed: int) -> str:
    del seed
    return LAMP


LAMPS = DrawnSet("lamps", "calibration", 30, 20.0, lamp_case, first_seed=700_000, kind=_kind)
