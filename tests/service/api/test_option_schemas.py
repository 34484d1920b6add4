import pytest
from pydantic import ValidationError

from service.api.option_schemas import HeartRateOptions


def test_options_have_defaults() -> None:
    assert HeartRateOptions().model_dump() == {"model": "auto", "face": "largest", "start_s": 0.0, "duration_s": None}


@pytest.mark.parametrize("options", [{"face": "both"}, {"model": "../x"}, {"start_s": -1}, {"duration_s": 0}])
def test_what_is_out_of_range_is_refused(options: dict[str, str | float]) -> None:
    with pytest.raises(ValidationError):
        HeartRateOptions.model_validate(options)
