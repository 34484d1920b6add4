import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from service.pipeline.decode import VideoReader
from tests.service.pipeline.renders import face_recipe
from training.benchmark import NO_PULSE_EVERY, make_cases, mix_set, read_case, recipe_groups
from training.datasets.splits import people_of
from training.synthesis.faces import DrawnFaces
from training.synthesis.pulse_wave import Truth
from training.synthesis.recipe import Recipe

PEOPLE = list(DrawnFaces().people)
SPEC = mix_set("test", 2, 3.0)


def recipes(split: str, count: int = 60) -> list[Recipe]:
    spec = mix_set(split, count)
    return [spec.recipe(seed, DrawnFaces()) for seed in spec.seeds]


def test_a_larger_set_begins_with_the_smaller_one() -> None:
    assert list(mix_set("test", 5).seeds)[:3] == list(mix_set("test", 3).seeds)


def test_some_of_the_calibration_shows_no_pulse() -> None:
    pulseless = [recipe for recipe in recipes("calibration") if recipe.pulse.strength == 0]
    assert len(pulseless) == 60 // NO_PULSE_EVERY
    assert Counter(recipe.motion.kind == "photograph" for recipe in pulseless) == {True: 5, False: 5}


@pytest.mark.parametrize("split", ["train", "test"])
def test_everything_else_shows_one(split: str) -> None:
    assert all(recipe.pulse.strength > 0 for recipe in recipes(split))


def test_groups_are_those_of_the_recipe() -> None:
    recipe = recipes("test", 1)[0]
    groups = SPEC.groups(recipe, DrawnFaces())
    assert (groups["motion"], groups["codec"]) == (recipe.motion.kind, recipe.codec.name)
    assert groups["skin tone"] in {"light", "medium", "dark"}
    low, high = (float(edge) for edge in groups["heart rate"].split("-"))
    assert low <= recipe.pulse.hr_bpm <= high


@pytest.mark.parametrize(
    ("kind", "bits_per_pixel", "clear"),
    [("still", 0.1, "yes"), ("talking", 0.1, "yes"), ("still", 0.04, "no"), ("sway", 0.1, "no")],
)
def test_a_clear_view_is_quiet_and_hardly_compressed(kind: str, bits_per_pixel: float, clear: str) -> None:
    recipe = face_recipe(width=640, height=480, fps=25, bits_per_pixel=bits_per_pixel)  # 768 or 307 kb/s
    recipe = replace(recipe, motion=replace(recipe.motion, kind=kind))
    assert recipe_groups(recipe)["still or talking above 500 kb/s"] == clear


@pytest.mark.parametrize(("exposure", "light"), [(0.5, "dim"), (0.8, "normal"), (1.1, "bright")])
def test_the_level_of_light_is_the_exposure(exposure: float, light: str) -> None:
    assert recipe_groups(face_recipe(exposure=exposure))["light"] == light


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the set SPEC."""
    folder = tmp_path_factory.mktemp("sets")
    make_cases(SPEC, folder, None)
    return folder


def test_a_case_is_a_video_with_its_truth(folder: Path) -> None:
    for case in make_cases(SPEC, folder, None):
        recipe = Recipe.from_json(json.loads(case.video.with_suffix(".json").read_text())["recipe"])
        assert case.person == recipe.scene.person in people_of("test", PEOPLE)
        assert case.bpm == pytest.approx(Truth.read_csv(case.video.with_suffix(".csv")).bpm, abs=1)
        with VideoReader(case.video) as reader:
            frame = next(iter(reader.frames()))
        assert (frame.width, frame.height) == (recipe.camera.width, recipe.camera.height)


def test_only_what_is_missing_is_rendered(folder: Path) -> None:
    cases = make_cases(SPEC, folder, None)
    kept, lost = (case.video for case in cases)
    before = kept.stat().st_mtime_ns
    lost.with_suffix(".json").unlink()
    assert make_cases(SPEC, folder, None) == cases
    assert kept.stat().st_mtime_ns == before


def test_a_part_of_the_set_is_its_beginning(folder: Path) -> None:
    assert make_cases(SPEC, folder, None, limit=1) == make_cases(SPEC, folder, None)[:1]


def test_a_case_from_before_a_group_was_thought_of_has_it(folder: Path) -> None:
    path = folder / "test-3s-drawn" / f"{SPEC.seeds[0]}.json"
    facts = json.loads(path.read_text())
    whole = dict(facts["groups"])
    del facts["groups"]["light"]
    path.write_text(json.dumps(facts))
    assert read_case(path.parent, SPEC.seeds[0]).groups == whole
