"""A set of rendered videos with a known pulse, made once and kept: what models are calibrated and measured on.

A case is three files: <seed>.video, <seed>.csv (the true pulse) and <seed>.json (the recipe and the mean heart rate).
The seeds of each split start elsewhere and its people are others, so nothing that was trained on is measured.
"""

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from training.datasets.splits import people_of
from training.prepare import FIRST_SEED
from training.synthesis.faces import face_source
from training.synthesis.recipe import Recipe, sample_recipe
from training.synthesis.render import render


@dataclass(frozen=True, slots=True)
class Case:
    """One video of the set; bpm is the mean heart rate over it."""

    seed: int
    video: Path
    recipe: Recipe
    bpm: float


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
        return range(FIRST_SEED[self.split], FIRST_SEED[self.split] + self.cases)


def make_cases(spec: BenchmarkSpec, folder: Path, faces: Path | None, *, jobs: int = 1) -> list[Case]:
    """Render what is missing of the set in folder/<name> and return all its cases, by seed."""
    home = folder / spec.name
    home.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in spec.seeds if not (home / f"{seed}.json").exists()]
    if missing:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            work = [(spec, home, faces, missing[start::jobs]) for start in range(jobs)]
            with tqdm(total=len(missing), unit="render", disable=None) as bar:
                for _ in pool.map(_render_some, *zip(*work, strict=True)):
                    bar.update(len(missing) // jobs)
    return [read_case(home, seed) for seed in spec.seeds]


def read_case(home: Path, seed: int) -> Case:
    """Read one case that lies in `home`."""
    facts = json.loads((home / f"{seed}.json").read_text())
    return Case(seed, home / f"{seed}.video", Recipe.from_json(facts["recipe"]), float(facts["bpm"]))


def _render_some(spec: BenchmarkSpec, home: Path, faces: Path | None, seeds: list[int]) -> int:
    return sum(1 for _ in _renders(spec, home, faces, seeds))


def _renders(spec: BenchmarkSpec, home: Path, faces: Path | None, seeds: list[int]) -> Iterator[None]:
    source = face_source(faces)
    people = people_of(spec.split, source.people)
    for seed in seeds:
        recipe = sample_recipe(seed, people, duration_s=spec.duration_s)
        truth = render(recipe, source, home / f"{seed}.video")
        truth.write_csv(home / f"{seed}.csv")
        facts = {"recipe": recipe.to_json(), "bpm": truth.bpm}
        (home / f"{seed}.json").write_text(json.dumps(facts))  # last: a case without it is rendered again
        yield
