"""A minute without a pulse: does time make anybody sure of what is not there?

64 videos of 60 s of the calibration people. Half are as webcams make them, half of the full mix; each a quarter a
photograph that is filmed, a living face, either under a flickering lamp, either in noise. By these, beside the minutes
with a pulse, it was chosen what chrominance has to show (service.pipeline.quality). Drawn from today's mix: a later one
draws others.
"""

from dataclasses import dataclass

from training.benchmark import BenchmarkSpec
from training.datasets.splits import people_of, seeds_of
from training.draw_sets import PULSELESS, without_pulse
from training.synthesis.faces import FaceSource
from training.synthesis.recipe import Recipe, sample_recipe
from training.webcam import WebcamSpec

_FIRST_SEED = 720_000  # of its split's
_COUNT = 64
_DURATION_S = 60.0


@dataclass(frozen=True, slots=True)
class PulselessMinuteSpec:
    """The set by its name and the split of its people. A benchmark.CaseSet."""

    name: str = "pulseless-minute"
    split: str = "calibration"

    @property
    def seeds(self) -> range:
        """One per video; the even ones of webcams are MPEG-4."""
        return seeds_of(self.split, _COUNT, skip=_FIRST_SEED)

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case."""
        if seed // (2 * len(PULSELESS)) % 2:
            drawn = sample_recipe(seed, people_of(self.split, faces.people), duration_s=_DURATION_S)
        else:
            drawn = WebcamSpec(self.name, self.split, _COUNT, _DURATION_S).recipe(seed, faces)
        return without_pulse(drawn, _kind(seed))

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return by what a case's error is broken down."""
        return {**BenchmarkSpec(self.split, _COUNT, _DURATION_S).groups(recipe, faces), "kind": _kind(recipe.seed)}

    def outdated(self, recipe: Recipe) -> bool:
        """Return False: what was drawn from an earlier mix stays."""
        del recipe
        return False


def _kind(seed: int) -> str:
    return PULSELESS[seed // 2 % len(PULSELESS)]


PULSELESS_MINUTE = PulselessMinuteSpec()
