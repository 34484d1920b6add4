"""A rendered face as cases of a benchmark, and a model store in which a line of arithmetic measures the pulse."""

import json
from dataclasses import replace
from pathlib import Path

from tests.service.pipeline.renders import face_recipe
from tests.service.pipeline.tiny_models import write_active, write_green_model
from training.benchmark import Case, read_case
from training.synthesis.pulse_wave import make_truth
from training.synthesis.recipe import Recipe

STORE = Path(__file__).parents[2] / "model_store"
GROUPS = {"skin tone": "light", "motion": "still", "codec": "h264"}
DURATION_S = 6.0


def small_recipe(*, pulse: bool = True) -> Recipe:
    """Return six seconds of the astronaut, 320x240."""
    return face_recipe(duration_s=DURATION_S, pulse=pulse)


def write_store(folder: Path) -> Path:
    """Write a store with the released face detector and the model `tiny`; return it."""
    write_green_model(folder)
    (folder / "face-1.0.0").symlink_to(STORE / "face-1.0.0")
    write_active(folder, "tiny", ["tiny", "face"])
    return folder


def write_case(home: Path, seed: int, video: Path, bpm: float | None, person: str = "astronaut") -> Case:
    """Write the case of a video as benchmark.make_cases leaves it in `home`; return it."""
    home.mkdir(parents=True, exist_ok=True)
    recipe = small_recipe(pulse=bpm is not None)
    recipe = replace(recipe, scene=replace(recipe.scene, person=person))
    (home / f"{seed}.video").symlink_to(video)
    make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse")).write_csv(home / f"{seed}.csv")
    (home / f"{seed}.json").write_text(json.dumps({"recipe": recipe.to_json(), "bpm": bpm, "groups": GROUPS}))
    return read_case(home, seed)
