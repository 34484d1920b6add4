import json
import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from service.api.schemas import HeartRateResult
from service.pipeline.answers import HeartRate, Hrv, Respiration, Withheld
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


HRV = Hrv(
    beats_s=(0.61234, 1.49, 2.3),
    ibi_ms=(877.66, 810.0),
    ibi_ok=(True, False),
    sdnn_ms=31.26,
    rmssd_ms=28.84,
    pnn50=12.34,
    lf_ms2=None,
    hf_ms2=None,
    lf_hf=None,
    artefacts_ratio=0.5,
    timing_error_ms=4.44,
)


def test_variability_and_breathing_are_taken_over() -> None:
    face = replace(make_face(), hrv=HRV, respiration=Respiration(14.26, 0.91234))
    result = HeartRateResult.from_estimate(make_estimate(face))
    assert result.hrv is not None
    assert (result.hrv.beats, result.hrv.beats_s[0], result.hrv.ibi_ms[0]) == (3, 0.6123, 877.7)
    assert (result.hrv.rmssd_ms, result.hrv.lf_ms2, result.hrv.ibi_ok) == (28.8, None, [True, False])
    assert (result.respiration_rate, result.respiration_rate_confidence) == (14.3, 0.9123)
    assert (result.hrv_reason, result.hrv_detail, result.respiration_rate_reason) == (None, None, None)
    assert HeartRateResult.model_validate_json(result.to_json()) == result


def test_what_is_withheld_has_its_reason() -> None:
    short = Withheld("too_short", "It is too short.")
    face = replace(make_face(), hrv=short, respiration=replace(short, code="low_confidence"))
    result = HeartRateResult.from_estimate(make_estimate(face))
    assert (result.hrv, result.hrv_reason, result.hrv_detail) == (None, "too_short", "It is too short.")
    assert (result.respiration_rate, result.respiration_rate_confidence) == (None, None)
    assert result.respiration_rate_reason == "low_confidence"


def test_the_bands_are_rounded_where_there_are_any() -> None:
    face = replace(make_face(), hrv=replace(HRV, lf_ms2=812.345, hf_ms2=400.0, lf_hf=2.03086))
    hrv = HeartRateResult.from_estimate(make_estimate(face)).hrv
    assert hrv is not None
    assert (hrv.lf_ms2, hrv.hf_ms2, hrv.lf_hf) == (812.3, 400.0, 2.031)
