import pytest

from training.config import LOSS_WEIGHTS, AugmentConfig, TrainConfig
from training.losses import TERMS


def test_it_comes_back_from_plain_values() -> None:
    config = TrainConfig("student", steps=5, augment=AugmentConfig(flip=0.1, gamma_range=(0.9, 1.1)))
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_lists_in_place_of_tuples_are_taken() -> None:
    values = TrainConfig("student", steps=5).to_dict()
    values["augment"]["gamma_range"] = list(values["augment"]["gamma_range"])
    assert TrainConfig.from_dict(values) == TrainConfig("student", steps=5)


def test_a_kind_of_augmentation_that_is_no_more_is_left_out() -> None:
    values = TrainConfig("student", steps=5).to_dict()
    values["augment"]["mix_max"] = 0.1
    assert TrainConfig.from_dict(values) == TrainConfig("student", steps=5)


@pytest.mark.parametrize(("steps", "minutes"), [(None, None), (5, 1.0)])
def test_there_is_one_budget(steps: int | None, minutes: float | None) -> None:
    with pytest.raises(ValueError, match="either"):
        TrainConfig("student", steps, minutes)


def test_every_recipe_names_real_terms() -> None:
    assert {name for weights in LOSS_WEIGHTS.values() for name in weights} <= set(TERMS)
