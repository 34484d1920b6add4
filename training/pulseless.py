"""A minute without a pulse: does time make anybody sure of what is not there?

64 videos of 60 s of the calibration people. Half are as webcams make them, half of the full mix; each a quarter a
photograph that is filmed, a living face, either under a flickering lamp, either in noise. What chrominance
has to show (service.pipeline.quality) was chosen beside the first 28 of these, which decided nothing, and checked by
all. Drawn from today's mix: a later one draws others.
"""

from collections.abc import Sequence

from training.benchmark import DrawnSet
from training.draw_sets import PULSELESS, without_pulse
from training.synthesis.recipe import Recipe, sample_recipe
from training.webcam import webcam_case


def pulseless_case(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe of the full mix or of a webcam, without a pulse."""
    if seed // (2 * len(PULSELESS)) % 2:
        drawn = sample_recipe(seed, people, duration_s=duration_s)
    else:
        drawn = webcam_case(seed, people, duration_s)
    return without_pulse(drawn, _kind(seed))


def _kind(seed: int) -> str:
    return PULSELESS[seed // 2 % len(PULSELESS)]


PULSELESS_MINUTE = DrawnSet("pulseless-minute", "calibration", 64, 60.0, pulseless_case, first_seed=720_000, kind=_kind)
