from dataclasses import replace

import numpy as np
import pytest

from training.benchmark import DrawnSet
from training.synthesis.faces import DrawnFaces
from training.synthesis.recipe import Recipe
from training.webcam import WEBCAM_SETS, webcam_clip

FACES = DrawnFaces()


def recipes(spec: DrawnSet) -> list[Recipe]:
    return [spec.recipe(seed, FACES) for seed in spec.seeds]


@pytest.mark.parametrize(
    ("name", "count", "duration_s"),
    [
        ("webcam", 80, 12),
        ("webcam-calibration", 320, 12),
        ("webcam-minute", 40, 60),
        ("webcam-minute-strong", 40, 60),
        ("webcam-minute-strong-calibration", 80, 60),
        ("webcam-minute-calibration", 80, 60),
    ],
)
def test_half_are_as_cohface_and_all_as_a_webcam_makes_them(name: str, count: int, duration_s: float) -> None:
    drawn = recipes(WEBCAM_SETS[name])
    assert len(drawn) == count
    assert {recipe.duration_s for recipe in drawn} == {duration_s}
    kinds = [(recipe.codec.name, recipe.codec.container, recipe.camera.fps) for recipe in drawn]
    assert kinds.count(("mpeg4", "avi", 20.0)) == kinds.count(("h264", "mp4", 30.0)) == count / 2
    assert {recipe.motion.kind for recipe in drawn} == {"still", "sway", "talking"}
    assert all(48 <= recipe.pulse.hr_bpm <= 110 and recipe.pulse.strength >= 0.006 for recipe in drawn)
    assert all(recipe.light.flicker == 0 and recipe.camera.exposure >= 0.5 for recipe in drawn)


def test_the_same_seed_is_the_same_video() -> None:
    spec = WEBCAM_SETS["webcam"]
    assert recipes(spec) == recipes(spec)


def test_no_seed_is_in_two() -> None:
    seeds = [set(spec.seeds) for spec in WEBCAM_SETS.values() if "strong" not in spec.name]
    assert len(set[int]().union(*seeds)) == sum(map(len, seeds))


@pytest.mark.parametrize("of", ["", "-calibration"])
def test_strong_is_the_same_minute_with_twice_the_pulse(of: str) -> None:
    plain, strong = (recipes(WEBCAM_SETS[f"{name}{of}"]) for name in ("webcam-minute", "webcam-minute-strong"))
    assert [replace(r, pulse=replace(r.pulse, strength=2 * r.pulse.strength)) for r in plain] == strong


def test_a_case_knows_its_groups() -> None:
    spec = WEBCAM_SETS["webcam"]
    recipe = spec.recipe(spec.seeds[0], FACES)
    assert spec.groups(recipe, FACES)["codec"] == "mpeg4"
    assert not spec.outdated(recipe)


def test_clips_to_learn_from_are_wider_than_the_sets_on_all_sides() -> None:
    drawn = [webcam_clip(seed, FACES.people, 4.0) for seed in range(300)]
    hearts = [recipe.pulse.hr_bpm for recipe in drawn]
    assert min(hearts) < 43
    assert max(hearts) > 177
    assert 100 < np.mean(hearts) < 120  # no slow rate is likelier than a fast one
    assert {recipe.motion.kind for recipe in drawn} == {"still", "sway", "talking"}
    assert {recipe.camera.fps for recipe in drawn if recipe.codec.name == "mpeg4"} == {15.0, 20.0, 25.0}
    assert sum(recipe.codec.name == "mpeg4" for recipe in drawn) == 200
    assert 0.1 < np.mean([recipe.scene.melanin > 0 for recipe in drawn]) < 0.35
    cases = [recipe for spec in WEBCAM_SETS.values() for recipe in recipes(spec)]
    for of in (lambda r: r.motion.strength, lambda r: r.camera.noise, lambda r: r.codec.bits_per_pixel):
        assert max(map(of, drawn)) >= max(map(of, cases)) * 0.98
    for of in (lambda r: r.pulse.strength, lambda r: r.camera.exposure, lambda r: r.codec.bits_per_pixel):
        assert min(map(of, drawn)) < min(map(of, cases))
    assert max(recipe.motion.strength for recipe in drawn) > 0.55
    assert {recipe.codec.gop for recipe in drawn if recipe.codec.name == "mpeg4"} == {12, 60, 250}
    assert all(recipe.light.flicker == recipe.light.steps == recipe.motion.handheld == 0 for recipe in drawn)
    assert {recipe.duration_s for recipe in drawn} == {4.0}


def test_the_same_seed_is_the_same_clip() -> None:
    assert webcam_clip(5, FACES.people, 4.0) == webcam_clip(5, FACES.people, 4.0) != webcam_clip(8, FACES.people, 4.0)
