from training.nods import NODS
from training.synthesis.faces import DrawnFaces

FACES = DrawnFaces()
SPEC = NODS["nods"]
RECIPES = [SPEC.recipe(seed, FACES) for seed in SPEC.seeds]


def test_every_head_nods_at_a_rate_that_a_heart_may_have_but_its_own_does_not() -> None:
    assert len(RECIPES) == 72
    for recipe in RECIPES:
        nods, heart_hz = recipe.motion, recipe.pulse.hr_bpm / 60
        assert nods.kind == "rhythmic"
        assert 0.2 <= nods.strength <= 1.0
        assert 0.7 <= nods.rate_hz <= 2.6
        assert min(abs(times * nods.rate_hz - heart_hz) for times in (1, 2)) >= 0.15


def test_nothing_else_swings_and_the_codec_hides_nothing() -> None:
    assert all(recipe.light.flicker == recipe.light.screen == 0 for recipe in RECIPES)
    assert all(recipe.codec.bits_per_pixel >= 0.08 for recipe in RECIPES)


def test_one_of_three_has_no_pulse() -> None:
    kinds = [(SPEC.groups(recipe, FACES)["kind"], recipe.pulse.strength == 0) for recipe in RECIPES]
    assert kinds.count(("nods without a pulse", True)) == 24
    assert kinds.count(("nods", False)) == 48


def test_both_sets_show_other_people_and_videos() -> None:
    assert not set(SPEC.seeds) & set(NODS["nods-calibration"].seeds)
    assert [SPEC.recipe(seed, FACES) for seed in SPEC.seeds] == RECIPES
