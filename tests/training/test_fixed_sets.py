"""The fixed sets are what they were: their recipes, their balance, and what the renderer makes of them."""

from collections import Counter
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pytest

from training.datasets.splits import TEST_PEOPLE, seeds_of
from training.fixed_sets import FIXED_SETS, RENDERED_1, RENDERED_1_PULSELESS, DefinitionChanged, FixedSet
from training.synthesis.faces import AstronautFace, DrawnFaces
from training.synthesis.pulse_wave import make_truth
from training.synthesis.recipe import Recipe
from training.synthesis.render import render_frames

FACTORS = ("motion", "codec", "light", "heart rate", "skin tone")


def first_recipe() -> Recipe:
    return RENDERED_1.definitions[RENDERED_1.seeds[0]].recipe


@pytest.mark.parametrize("fixed", FIXED_SETS.values(), ids=lambda fixed: fixed.name)
def test_videos_of_30_s_of_the_people_that_nothing_is_trained_on(fixed: FixedSet) -> None:
    recipes = [definition.recipe for definition in fixed.definitions.values()]
    assert {recipe.duration_s for recipe in recipes} == {30.0}
    assert {recipe.scene.person for recipe in recipes} == TEST_PEOPLE
    assert set(fixed.seeds) <= set(seeds_of("test", 10_000_000))


@pytest.mark.parametrize("factor", FACTORS)
def test_each_level_of_a_factor_is_there_equally_often(factor: str) -> None:
    counts = Counter(definition.all_groups[factor] for definition in RENDERED_1.definitions.values())
    assert set(counts.values()) == {300 // len(counts)}


@pytest.mark.parametrize(("first", "second"), list(combinations(FACTORS, 2)))
def test_pairs_meet_about_equally_often(first: str, second: str) -> None:
    groups = [definition.all_groups for definition in RENDERED_1.definitions.values()]
    counts = Counter((group[first], group[second]) for group in groups).values()
    assert max(counts) - min(counts) <= 4


def test_everyone_is_seen_equally_often() -> None:
    counts = Counter(definition.recipe.scene.person for definition in RENDERED_1.definitions.values())
    assert set(counts.values()) == {25}


def test_clear_views_are_a_group_of_their_own() -> None:
    groups = Counter(
        definition.all_groups["still or talking above 500 kb/s"] for definition in RENDERED_1.definitions.values()
    )
    assert groups == {"yes": 63, "no": 237}


def test_the_pulseless_set_has_no_pulse_in_four_ways() -> None:
    definitions = RENDERED_1_PULSELESS.definitions.values()
    assert {definition.recipe.pulse.strength for definition in definitions} == {0.0}
    kinds = Counter(definition.groups["kind"] for definition in definitions)
    assert kinds == {"photograph": 15, "face": 15, "lamp": 15, "noise": 15}


def test_changed_recipes_are_refused() -> None:
    with pytest.raises(DefinitionChanged, match="not hold the recipes"):
        _ = FixedSet("rendered-1", "0" * 64).seeds


def test_drawn_faces_are_not_the_set() -> None:
    with pytest.raises(KeyError, match="London"):
        RENDERED_1.recipe(RENDERED_1.seeds[0], DrawnFaces())


def test_groups_of_a_case_are_those_of_its_definition() -> None:
    recipe = first_recipe()
    assert RENDERED_1.groups(recipe, DrawnFaces())["skin tone"] == "light"
    assert RENDERED_1.groups(recipe, DrawnFaces())["motion"] == recipe.motion.kind


def test_a_draft_that_was_rendered_is_outdated() -> None:
    recipe = first_recipe()
    assert not RENDERED_1.outdated(Recipe.from_json(recipe.to_json()))
    assert RENDERED_1.outdated(replace(recipe, scene=replace(recipe.scene, melanin=0.5)))


def test_the_first_recipe_still_has_its_pulse() -> None:
    recipe = first_recipe()
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    assert len(truth.beats_s) == 89
    assert truth.bpm == pytest.approx(178.7507, abs=1e-3)
    assert truth.beats_s[[0, 1, -1]] == pytest.approx([0.31381, 0.66734, 29.85215], abs=1e-4)
    assert truth.ppg[[0, 1000, -1]] == pytest.approx([0.29256, 0.22620, 0.03594], abs=1e-4)


def test_the_first_recipe_still_looks_as_it_did() -> None:
    """A renderer that draws otherwise makes another set: figures from before cannot be compared any more."""
    recipe = replace(first_recipe(), scene=replace(first_recipe().scene, person="astronaut"))
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    *_, (_, frame) = islice(render_frames(recipe, AstronautFace(), truth), 8)
    assert np.allclose(frame.mean((0, 1)), [212.10, 186.22, 138.26], atol=0.2)


def test_the_files_are_small_and_hold_no_pictures() -> None:
    assert sum(fixed.path.stat().st_size for fixed in FIXED_SETS.values()) < 200_000
    assert all(Path(fixed.path).suffixes == [".jsonl", ".gz"] for fixed in FIXED_SETS.values())
