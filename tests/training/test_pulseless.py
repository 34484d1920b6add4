from collections import Counter

from training.datasets.splits import people_of
from training.draw_sets import PULSELESS, without_pulse
from training.pulseless import PULSELESS_MINUTE
from training.synthesis.faces import DrawnFaces
from training.webcam import webcam_case

FACES = DrawnFaces()
RECIPES = [PULSELESS_MINUTE.recipe(seed, FACES) for seed in PULSELESS_MINUTE.seeds]


def test_none_has_a_pulse_and_each_lasts_a_minute() -> None:
    assert len(RECIPES) == 64
    assert {recipe.pulse.strength for recipe in RECIPES} == {0.0}
    assert {recipe.duration_s for recipe in RECIPES} == {60.0}
    assert [recipe.seed for recipe in RECIPES] == list(PULSELESS_MINUTE.seeds)


def test_half_are_webcams_and_every_kind_is_as_frequent() -> None:
    people = people_of(PULSELESS_MINUTE.split, FACES.people)
    kinds: Counter[tuple[str, bool]] = Counter()
    for recipe in RECIPES:
        kind = PULSELESS_MINUTE.groups(recipe, FACES)["kind"]
        kinds[kind, recipe == without_pulse(webcam_case(recipe.seed, people, 60.0), kind)] += 1
    assert list(kinds.values()) == [8] * 8
    assert {kind for kind, _ in kinds} == set(PULSELESS)


def test_lamps_flicker_and_photographs_stay_photographs() -> None:
    kinds = [PULSELESS_MINUTE.groups(recipe, FACES)["kind"] for recipe in RECIPES]
    lamps = [recipe for recipe, kind in zip(RECIPES, kinds, strict=True) if kind == "lamp"]
    photographs = [recipe for recipe, kind in zip(RECIPES, kinds, strict=True) if kind == "photograph"]
    assert all(recipe.light.flicker >= 0.002 for recipe in lamps)
    assert all(recipe.motion.kind == "photograph" for recipe in photographs)


def test_what_was_rendered_stays() -> None:
    assert not PULSELESS_MINUTE.outdated(RECIPES[0])
