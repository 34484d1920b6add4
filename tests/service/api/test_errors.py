from pydantic import ValidationError

from service.api.errors import field_problems
from service.api.schemas import HeartRateOptions


def test_an_input_error_names_the_field_in_words_of_ours() -> None:
    try:
        HeartRateOptions.model_validate({"face": "sideways"})
    except ValidationError as error:
        problems = field_problems(error.errors())
    assert [(p.field, p.detail) for p in problems] == [("face", "is not one of the values that are taken")]


def test_a_kind_of_error_that_nobody_thought_of() -> None:
    problems = field_problems([{"loc": ("query", "x"), "type": "strange", "input": "secret"}])
    assert problems[0].detail == "does not fit"
