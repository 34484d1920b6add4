"""A set of rendered videos with a known pulse, made once and kept: what models are calibrated and measured on.

A case is three files: <seed>.video, <seed>.csv (the true pulse) and <seed>.json (recipe, mean heart rate, groups).
The seeds of each split start elsewhere and its people are others, so nothing that was trained on is measured.
One in six of the cases for calibration shows no pulse: a still face, a filmed photograph. Confidence must know them.
"""

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from training.datasets.splits import people_of, seeds_of
from training.pool import spread
from training.synthesis.faces import FaceSource, face_source
from training.synthesis.recipe import Recipe, sample_recipe
from training.synthesis.render import render
from training.synthesis.skin import add_melanin, tone_group

NO_PULSE_EVERY = 6


@dataclass(frozen=True, slots=True)
class Case:
    """One video of the set; bpm is the mean heart rate over it, None where it shows no pulse."""

    seed: int
    person: str
    video: Path
    bpm: float | None
    groups: dict[str, str]


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """Which set: whose faces, how many videos of how many seconds."""

    split: str
    cases: int
    duration_s: float = 30.0

    @property
    def name(self) -> str:
        """Folder name."""
        return f"{self.split}-{self.duration_s:g}s"

    @property
    def seeds(self) -> range:
        """One seed per case; a larger set begins with the smaller one."""
        return seeds_of(self.split, self.cases)


def make_cases(spec: BenchmarkSpec, folder: Path, faces: Path | None, *, jobs: int = 1) -> list[Case]:
    """Render what is missing of the set in folder/<name> and return all its cases, by seed.

    faces: folder of the London set; drawn faces without it, which are another set in a folder of their own.
    """
    home = folder / (spec.name if faces else f"{spec.name}-drawn")
    home.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in spec.seeds if not (home / f"{seed}.json").exists()]
    if missing:
        task = partial(_render_case, spec=spec, home=home)
        for _ in spread(task, missing, make=partial(face_source, faces), jobs=jobs, unit="render"):
            pass
    return [read_case(home, seed) for seed in spec.seeds]


def read_case(home: Path, seed: int) -> Case:
    """Read one case that lies in `home`."""
    facts = json.loads((home / f"{seed}.json").read_text())
    person = Recipe.from_json(facts["recipe"]).scene.person
    return Case(seed, person, home / f"{seed}.video", facts["bpm"], facts["groups"])


def groups_of(recipe: Recipe, faces: FaceSource) -> dict[str, str]:
    """Return by what the errors are broken down: skin tone, motion, codec, bits per pixel, heart rate."""
    face = faces.load(recipe.scene.person, recipe.scene.picture)
    bits, bpm = recipe.codec.bits_per_pixel, recipe.pulse.hr_bpm
    return {
        "skin tone": tone_group(add_melanin(face.rgb, face.skin, recipe.scene.melanin), face.points),
        "motion": recipe.motion.kind,
        "codec": recipe.codec.name,
        "bits per pixel": "< 0.05" if bits < 0.05 else "0.05-0.15" if bits < 0.15 else "> 0.15",
        "heart rate": "40-60" if bpm < 60 else "60-100" if bpm < 100 else "100-140" if bpm < 140 else "140-180",
    }


def recipe_of(spec: BenchmarkSpec, seed: int, people: list[str]) -> Recipe:
    """Return the recipe of one case."""
    recipe = sample_recipe(seed, people, duration_s=spec.duration_s)
    if spec.split != "calibration" or seed % NO_PULSE_EVERY:
        return recipe
    kind = "photograph" if seed % (2 * NO_PULSE_EVERY) else recipe.motion.kind
    return replace(recipe, pulse=replace(recipe.pulse, strength=0.0), motion=replace(recipe.motion, kind=kind))


def _render_case(faces: FaceSource, seed: int, *, spec: BenchmarkSpec, home: Path) -> None:
    recipe = recipe_of(spec, seed, people_of(spec.split, faces.people))
    truth = render(recipe, faces, home / f"{seed}.video")
    truth.write_csv(home / f"{seed}.csv")
    bpm = truth.bpm if len(truth.beats_s) else None
    facts = {"recipe": recipe.to_json(), "bpm": bpm, "groups": groups_of(recipe, faces)}
    (home / f"{seed}.json").write_text(json.dumps(facts))  # last: a case without it is rendered again
