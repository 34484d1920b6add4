from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthesis.pulse_wave import make_truth
from training.synthesis.recipe import Recipe, sample_recipe

Array = NDArray[np.float64]
PEOPLE = ["001", "002", "003"]
RECIPES = [sample_recipe(seed, PEOPLE, duration_s=10.0) for seed in range(400)]


def test_json_round_trip() -> None:
    assert all(Recipe.from_json(recipe.to_json()) == recipe for recipe in RECIPES[:20])


def test_a_seed_always_gives_the_same_recipe() -> None:
    assert sample_recipe(5, PEOPLE, duration_s=10.0) == RECIPES[5]
    assert RECIPES[5] != RECIPES[6]


def test_parts_have_random_numbers_of_their_own() -> None:
    recipe = RECIPES[0]
    assert recipe.rng("motion").random() == recipe.rng("motion").random()
    assert recipe.rng("motion").random() != recipe.rng("light").random()


def test_heart_rates_fill_the_range() -> None:
    rates = [recipe.pulse.hr_bpm for recipe in RECIPES]
    assert 40 <= min(rates) < 45
    assert 175 < max(rates) <= 180
    narrow = [sample_recipe(seed, PEOPLE, duration_s=5, hr_range_bpm=(60, 70)).pulse.hr_bpm for seed in range(20)]
    assert all(60 <= rate <= 70 for rate in narrow)


def intervals_s(hr_range_bpm: tuple[float, float]) -> list[Array]:
    """Between the beats of 200 hearts of the mix, 30 s each."""
    hearts = [sample_recipe(seed, PEOPLE, duration_s=30, hr_range_bpm=hr_range_bpm).pulse for seed in range(200)]
    return [np.diff(make_truth(heart, 30, np.random.default_rng(i)).beats_s) for i, heart in enumerate(hearts)]


def test_hearts_swing_at_rest_as_real_ones_do_and_less_when_fast() -> None:
    """21 fingertips with a chest strap (Welltory, CC0), medians of 30 s: 7.3 %, RMSSD 41 ms; Nunan et al. 5.4 %, 42."""
    resting, fast = intervals_s((50, 80)), intervals_s((140, 180))
    swing, fast_swing = (np.median([(1 / s).std() / (1 / s).mean() for s in beats]) for beats in (resting, fast))
    rmssd_s, fast_rmssd_s = (np.median([np.sqrt((np.diff(s) ** 2).mean()) for s in beats]) for beats in (resting, fast))
    assert 0.045 < swing < 0.075
    assert 0.03 < rmssd_s < 0.055
    assert fast_swing < 0.5 * swing
    assert fast_rmssd_s < 0.15 * rmssd_s


@pytest.mark.parametrize("part", ["motion.kind", "codec.name", "codec.container", "scene.person", "scene.background"])
def test_every_kind_occurs(part: str) -> None:
    group, name = part.split(".")
    counts = Counter(getattr(getattr(recipe, group), name) for recipe in RECIPES)
    assert min(counts.values()) >= 8
    assert len(counts) >= 3


def test_bit_rates_are_those_of_real_clips() -> None:
    bits = np.array([recipe.codec.bits_per_pixel for recipe in RECIPES if recipe.codec.name != "mjpeg"])
    assert bits.min() >= 0.02
    assert bits.max() <= 0.4
    assert 0.07 < np.median(bits) < 0.11


def test_avi_has_no_jitter_because_it_stores_no_times() -> None:
    cameras = [recipe.camera for recipe in RECIPES if recipe.codec.container == "avi"]
    assert all(camera.jitter == 0 and camera.dropped == 0 for camera in cameras)
    assert any(recipe.camera.jitter and recipe.camera.dropped for recipe in RECIPES)


def test_rhythmic_motion_avoids_the_pulse() -> None:
    rhythmic = [recipe for recipe in RECIPES if recipe.motion.kind == "rhythmic"]
    assert all(abs(recipe.motion.rate_hz - recipe.pulse.hr_bpm / 60) > 0.15 for recipe in rhythmic)


def test_faces_fit_into_the_picture() -> None:
    for recipe in RECIPES:
        scene, camera = recipe.scene, recipe.camera
        half = scene.face_height / 2
        assert half <= scene.centre_y <= 1 - half
        assert scene.centre_x - half * camera.height / camera.width >= 0
        assert scene.centre_x + half * camera.height / camera.width <= 1
