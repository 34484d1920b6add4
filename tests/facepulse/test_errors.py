import pytest

from facepulse.errors import (
    AccessDenied,
    FacePulseError,
    NotFound,
    RequestRefused,
    ServiceBusy,
    ServiceFailed,
    error_of,
)

PROBLEM = {
    "code": "no_face",
    "detail": "No face.",
    "request_id": "ab",
    "errors": [{"field": "face", "detail": "is odd"}],
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RequestRefused), (401, AccessDenied), (403, AccessDenied), (404, NotFound), (410, NotFound),
     (422, RequestRefused), (429, ServiceBusy), (500, ServiceFailed), (503, ServiceBusy), (504, ServiceFailed)],
)  # fmt: skip
def test_every_status_has_its_error(status: int, kind: type[FacePulseError]) -> None:
    assert type(error_of(status, PROBLEM)) is kind


def test_an_error_has_what_the_problem_says() -> None:
    error = error_of(422, PROBLEM, retry_after_s=5.0)
    assert (error.code, error.status, error.detail, error.request_id) == ("no_face", 422, "No face.", "ab")
    assert (error.retry_after_s, error.fields) == (5.0, {"face": "is odd"})
    assert str(error) == "no_face: No face. (face: is odd)"


@pytest.mark.parametrize("problem", [None, [], "oops", {}, {"code": 7}])
def test_an_answer_of_somebody_else(problem: object) -> None:
    error = error_of(502, problem)
    assert (type(error), error.code) == (ServiceFailed, "unexpected_answer")
