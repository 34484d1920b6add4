"""Rendered faces under a lamp that flickers at a heart's rate: does anybody take it for the heart?

30 videos of 20 s of the calibration people, of the full mix but for the lamp: 0.2 to 1 % at 0.7 to 4 Hz. Two of three
show no pulse (a living face or a photograph of it), the third a pulse of at least 0.01 in strength. By videos like
these the limits of the confidence's echo were chosen, by these what chrominance must show (service.pipeline.controls).
Drawn from today's mix: a later one draws others.
"""

import random
from dataclasses import dataclass, replace

from training.benchmark import BenchmarkSpec
from training.datasets.splits import people_of, seeds_of
from training.draw_sets import LAMP, flickering, without_pulse
from training.synthesis.faces import FaceSource
from training.synthesis.recipe import Recipe, sample_recipe

_FIRST_SEED = 700_000  # of its split's
_COUNT = 30
_DURATION_S = 20.0
_ONE_WITH_PULSE_OF = 3


@dataclass(frozen=True, slots=True)
class LampSpec:
    """The set by its name and the split of its people. A benchmark.CaseSet."""

    name: str = "lamps"
    split: str = "calibration"

    @property
    def seeds(self) -> range:
        """One per video."""
        return seeds_of(self.split, _COUNT, skip=_FIRST_SEED)

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case."""
        drawn = sample_recipe(seed, people_of(self.split, faces.people), duration_s=_DURATION_S)
        if seed % _ONE_WITH_PULSE_OF:
            return without_pulse(drawn, LAMP)
        pulse = replace(drawn.pulse, strength=max(drawn.pulse.strength, 0.01))
        return replace(drawn, pulse=pulse, light=flickering(drawn.light, random.Random(seed)))

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return by what a case's error is broken down."""
        return {**BenchmarkSpec(self.split, _COUNT, _DURATION_S).groups(recipe, faces), "kind": LAMP}

    def outdated(self, recipe: Recipe) -> bool:
        """Return False: what was drawn from an earlier mix stays."""
        del recipe
        return False


LAMPS = LampSpec()
