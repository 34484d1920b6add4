"""A set of rendered videos with a known pulse, made once and kept: what models are calibrated and measured on.

A case is three files: <seed>.video, <seed>.csv (the true pulse) and <seed>.json (recipe, mean heart rate, groups).
The seeds of each split start elsewhere and its people are others, so nothing that was trained on is measured.
One in six of the cases for calibration shows no pulse: a still face, a filmed photograph. Confidence must know them.
Sets whose recipes are fixed once and for all are those of fixed_sets.py.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from training.datasets.splits import people_of, seeds_of
from training.pool import spread
from training.synthesis.faces import FaceSource, face_source
from training.synthesis.recipe import Draw, Recipe, sample_recipe
from training.synthesis.render import render
from training.synthesis.skin import add_melanin, tone_group

NO_PULSE_EVERY = 6
CLEAR_KBPS = 500.0


@dataclass(frozen=True, slots=True)
class Case:
    """One video of the set; bpm is the mean heart rate over it, None where it shows no pulse."""

    seed: int
    person: str
    video: Path
    bpm: float | None
    groups: dict[str, str]


class CaseSet(Protocol):
    """Which videos: DrawnSet or fixed_sets.FixedSet."""

    @property
    def name(self) -> str:
        """Folder name."""
        ...

    @property
    def seeds(self) -> Sequence[int]:
        """One per case, in the order in which a part of the set is taken."""
        ...

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case."""
        ...

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return by what a case's error is broken down."""
        ...

    def outdated(self, recipe: Recipe) -> bool:
        """Return whether a case that was rendered by this recipe is none of the set any more."""
        ...


@dataclass(frozen=True, slots=True)
class DrawnSet:
    """Videos of a split's people, drawn from today's mix: a later one draws others. A CaseSet.

    name: of its folder. first_seed: counted from its split's first. draw: what recipe a seed becomes. kind: the group
    `kind` of a seed, in sets that have some.
    """

    name: str
    split: str
    count: int
    duration_s: float
    draw: Draw
    first_seed: int = 0
    kind: Callable[[int], str] | None = None

    @property
    def seeds(self) -> range:
        """One per case; a larger set begins with the smaller one."""
        return seeds_of(self.split, self.count, skip=self.first_seed)

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case."""
        return self.draw(seed, people_of(self.split, faces.people), self.duration_s)

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return a recipe's groups, the skin's tone and, where the set has kinds, its kind."""
        face = faces.load(recipe.scene.person, recipe.scene.picture)
        tone = tone_group(add_melanin(face.rgb, face.skin, recipe.scene.melanin), face.points)
        kind = {"kind": self.kind(recipe.seed)} if self.kind else {}
        return {"skin tone": tone, **recipe_groups(recipe), **kind}

    def outdated(self, recipe: Recipe) -> bool:
        """Return False: what was drawn from an earlier mix stays."""
        del recipe
        return False


def mix_set(split: str, count: int, duration_s: float = 30.0) -> DrawnSet:
    """Return videos of a split's people, of the full mix; one in six of those for calibration shows no pulse."""
    draw = _mixed_or_pulseless if split == "calibration" else _mixed
    return DrawnSet(f"{split}-{duration_s:g}s", split, count, duration_s, draw)


def make_cases(
    cases: CaseSet, folder: Path, faces: Path | None, *, jobs: int = 1, limit: int | None = None
) -> list[Case]:
    """Render what is missing of the set in folder/<name> and return its cases, the first `limit` of them or all.

    faces: folder of the London set; drawn faces without it, which are another set in a folder of their own.
    """
    home = folder / (cases.name if faces else f"{cases.name}-drawn")
    home.mkdir(parents=True, exist_ok=True)
    seeds = cases.seeds[:limit]
    missing = [seed for seed in seeds if not _is_made(cases, home / f"{seed}.json")]
    if missing:
        task = partial(_render_case, cases=cases, home=home)
        for _ in spread(task, missing, make=partial(face_source, faces), jobs=jobs, unit="render"):
            pass
    return [read_case(home, seed) for seed in seeds]


def read_case(home: Path, seed: int) -> Case:
    """Read one case that lies in `home`."""
    facts = json.loads((home / f"{seed}.json").read_text())
    recipe = Recipe.from_json(facts["recipe"])
    # Groups that were thought of after it was rendered, too.
    groups = {**recipe_groups(recipe), **facts["groups"]}
    return Case(seed, recipe.scene.person, home / f"{seed}.video", facts["bpm"], groups)


def recipe_groups(recipe: Recipe) -> dict[str, str]:
    """Return the groups that a recipe alone tells: motion, codec, bits per pixel, light, heart rate, clear view.

    A clear view: still or talking, above 500 kb/s.
    """
    camera, bits, bpm = recipe.camera, recipe.codec.bits_per_pixel, recipe.pulse.hr_bpm
    kbps = bits * camera.width * camera.height * camera.fps / 1000
    clear = recipe.motion.kind in ("still", "talking") and kbps > CLEAR_KBPS
    return {
        "motion": recipe.motion.kind,
        "codec": recipe.codec.name,
        "bits per pixel": bits_group(bits),
        "light": "dim" if camera.exposure < 0.6 else "normal" if camera.exposure < 1.0 else "bright",
        "heart rate": "40-60" if bpm < 60 else "60-100" if bpm < 100 else "100-140" if bpm < 140 else "140-180",
        "still or talking above 500 kb/s": "yes" if clear else "no",
    }


def bits_group(bits_per_pixel: float) -> str:
    """Return the group of a video by the mean size of a frame over its pixels."""
    return "< 0.05" if bits_per_pixel < 0.05 else "0.05-0.15" if bits_per_pixel < 0.15 else "> 0.15"


def _mixed(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    return sample_recipe(seed, people, duration_s=duration_s)


def _mixed_or_pulseless(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    recipe = _mixed(seed, people, duration_s)
    if seed % NO_PULSE_EVERY:
        return recipe
    kind = "photograph" if seed % (2 * NO_PULSE_EVERY) else recipe.motion.kind
    return replace(recipe, pulse=replace(recipe.pulse, strength=0.0), motion=replace(recipe.motion, kind=kind))


def _is_made(cases: CaseSet, path: Path) -> bool:
    return path.exists() and not cases.outdated(Recipe.from_json(json.loads(path.read_text())["recipe"]))


def _render_case(faces: FaceSource, seed: int, *, cases: CaseSet, home: Path) -> None:
    recipe = cases.recipe(seed, faces)
    truth = render(recipe, faces, home / f"{seed}.video")
    truth.write_csv(home / f"{seed}.csv")
    bpm = truth.bpm if len(truth.beats_s) else None
    facts = {"recipe": recipe.to_json(), "bpm": bpm, "groups": cases.groups(recipe, faces)}
    (home / f"{seed}.json").write_text(json.dumps(facts))  # last: a case without it is rendered again
