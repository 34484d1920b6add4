"""The client's results beside the schemas of the service: the same fields, so that neither forgets one."""

from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel

import facepulse
from service.api import job_schemas, model_schemas, problem_schemas, schemas

PAIRS: list[tuple[type[Any], type[BaseModel], set[str]]] = [
    (facepulse.HeartRateResult, schemas.HeartRateResult, set()),
    (facepulse.Measurement, schemas.Measurement, set()),
    (facepulse.HeartRateVariability, schemas.HeartRateVariability, set()),
    (facepulse.Bvp, schemas.Bvp, set()),
    (facepulse.Window, schemas.Window, set()),
    (facepulse.Face, schemas.Face, set()),
    (facepulse.FaceBox, schemas.FaceBox, set()),
    (facepulse.Video, schemas.Video, set()),
    (facepulse.UsedModel, schemas.UsedModel, set()),
    (facepulse.ResultWarning, schemas.ResultWarning, set()),
    (facepulse.Model, model_schemas.ModelFacts, set()),
    (facepulse.Job, job_schemas.JobStatus, {"links"}),
    (facepulse.Problem, problem_schemas.Problem, {"type", "errors"}),
]


@pytest.mark.parametrize(("ours", "theirs", "left_out"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_results_have_the_fields_of_the_service(ours: type[Any], theirs: type[BaseModel], left_out: set[str]) -> None:
    assert {field.name for field in fields(ours)} == set(theirs.model_fields) - left_out


def test_the_waves_samples_have_times() -> None:
    assert facepulse.Bvp(fps=2.0, start_s=1.0, values=(0.0, 0.1, 0.2)).times_s == (1.0, 1.5, 2.0)
