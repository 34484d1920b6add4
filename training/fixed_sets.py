"""Sets of rendered videos whose definition never changes, so that figures of different days can be compared.

`rendered-1`: 300 videos of 30 s of the 12 people whom no training sees, every motion, codec, level of light, tone of
skin and band of heart rates as often as the others, also in pairs. `rendered-1-pulseless`: 60 videos of 30 s of the
same people in which there is no pulse; whatever is answered there is wrong.

The recipes lie beside this file, numbers and ids of pictures alone, and a checksum here says that they are the same:
what sample_recipe draws for training may change, these do not. draw_sets.py drew them.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from training.benchmark import recipe_groups
from training.synthesis.faces import FaceSource
from training.synthesis.recipe import Recipe

_HERE = Path(__file__).parent


class DefinitionChanged(Exception):
    """The recipes of a fixed set are not those that were released."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One video of a fixed set; groups: what its recipe alone does not tell (`skin tone`, `kind`)."""

    recipe: Recipe
    groups: Mapping[str, str]

    @property
    def all_groups(self) -> dict[str, str]:
        """All by which errors are broken down."""
        return {**self.groups, **recipe_groups(self.recipe)}


@dataclass(frozen=True, slots=True)
class FixedSet:
    """A set by its name; sha256 is that of the uncompressed recipes. A benchmark.CaseSet."""

    name: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the recipes lie: JSON lines, compressed by gzip."""
        return _HERE / f"{self.name}.jsonl.gz"

    @property
    def definitions(self) -> Mapping[int, Definition]:
        """Return the videos by seed, in order. Raises DefinitionChanged."""
        return _read(self)

    @property
    def seeds(self) -> Sequence[int]:
        """One per case; each beginning of the list is about as balanced as the whole."""
        return list(self.definitions)

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case. Raises KeyError when `faces` lacks its person."""
        recipe = self.definitions[seed].recipe
        if recipe.scene.person not in faces.people:
            raise KeyError(f"{self.name} needs the London set's faces")
        return recipe

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return by what a case's error is broken down."""
        del faces  # the definition knows
        return self.definitions[recipe.seed].all_groups

    def outdated(self, recipe: Recipe) -> bool:
        """Return whether the recipe is not the released one of its seed: a draft of the set was rendered."""
        return self.definitions[recipe.seed].recipe != recipe


@lru_cache(maxsize=4)
def _read(fixed: FixedSet) -> Mapping[int, Definition]:
    text = gzip.decompress(fixed.path.read_bytes())
    if hashlib.sha256(text).hexdigest() != fixed.sha256:
        raise DefinitionChanged(f"{fixed.path.name} does not hold the recipes of {fixed.name}")
    lines = [json.loads(line) for line in text.splitlines()]
    found = [Definition(Recipe.from_json(json.dumps(line["recipe"])), line["groups"]) for line in lines]
    return MappingProxyType({definition.recipe.seed: definition for definition in found})


RENDERED_1 = FixedSet("rendered-1", "5692a4e53cca68b16caed23e965f8ad120d77e4a8a707b659cc2713ee14be704")
RENDERED_1_PULSELESS = FixedSet(
    "rendered-1-pulseless", "32030c149304b7e36dd2e230ae719f491f241a8639aeb73b0843baa9b54c8eaf"
)
FIXED_SETS = {fixed.name: fixed for fixed in (RENDERED_1, RENDERED_1_PULSELESS)}
