from training.lamps import LAMPS
from training.synthesis.faces import DrawnFaces

FACES = DrawnFaces()
RECIPES = [LAMPS.recipe(seed, FACES) for seed in LAMPS.seeds]


def test_every_lamp_flickers_at_a_rate_that_a_heart_may_have() -> None:
    assert len(RECIPES) == 30
    assert all(0.002 <= recipe.light.flicker <= 0.01 for recipe in RECIPES)
    assert all(0.7 <= recipe.light.flicker_hz <= 4.0 for recipe in RECIPES)


def test_one_of_three_has_a_clear_pulse_and_two_have_none() -> None:
    strengths = [recipe.pulse.strength for recipe in RECIPES]
    assert strengths.count(0.0) == 20
    assert all(strength >= 0.01 for strength in strengths if strength)


def test_the_same_seed_is_the_same_video() -> None:
    assert [LAMPS.recipe(seed, FACES) for seed in LAMPS.seeds] == RECIPES
    assert [recipe.seed for recipe in RECIPES] == list(LAMPS.seeds)


def test_a_case_is_counted_among_the_lamps() -> None:
    assert LAMPS.groups(RECIPES[0], FACES)["kind"] == "lamp"
    assert not LAMPS.outdated(RECIPES[0])
