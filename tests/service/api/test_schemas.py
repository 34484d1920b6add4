import json
import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from service.api.schemas import HeartRateOptions, HeartRateResult
from service.pipeline.types import HeartRate
from tests.service.estimates import make_estimate, make_face


def result_with(**changes: object) -> HeartRateResult:
    face = make_face()
    rate: HeartRate = replace(face.heart_rate, **changes)  # type: ignore[arg-type]
    return HeartRateResult.from_estimate(make_estimate(replace(face, heart_rate=rate)))


def test_a_result_survives_json() -> None:
    result = result_with()
    assert HeartRateResult.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_signal_to_noise_ratio_is_null(value: float) -> None:
    assert result_with(snr_db=value).snr_db is None


@pytest.mark.parametrize("changes", [{"bpm": math.nan}, {"confidence": 1.2}, {"confidence": math.nan}])
def test_numbers_that_are_none_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        result_with(**changes)


def test_a_wave_with_a_hole_is_refused() -> None:
    wave = make_face().heart_rate.bvp.copy()
    wave[3] = math.nan
    with pytest.raises(ValidationError):
        result_with(bvp=wave)


def test_seconds_become_milliseconds() -> None:
    assert result_with().timing_ms == {"decode": 500.0, "face": 100.0}


def test_only_the_largest_face_unless_asked() -> None:
    estimate = make_estimate(make_face(), make_face(80.0, face_id=1))
    assert HeartRateResult.from_estimate(estimate).faces is None
    assert len(HeartRateResult.from_estimate(estimate, all_faces=True).faces or []) == 2


def test_what_was_not_asked_for_is_left_out_of_the_json() -> None:
    one = json.loads(result_with().to_json())
    assert not {"faces", "request_id"} & set(one)
    both = HeartRateResult.from_estimate(make_estimate(make_face(), make_face(80.0)), all_faces=True)
    whole = json.loads(both.model_copy(update={"request_id": "x"}).to_json(indent=2))
    assert (len(whole["faces"]), whole["request_id"]) == (2, "x")


def test_options_have_defaults() -> None:
    assert HeartRateOptions().model_dump() == {"model": "auto", "face": "largest", "start_s": 0.0, "duration_s": None}
