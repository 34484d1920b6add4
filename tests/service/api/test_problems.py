from collections.abc import Iterator

import pytest
from starlette.responses import Response

from service.api.problems import PROBLEMS, RequestRefused, code_of_status, make_problem, problem_response
from service.pipeline.errors import FacePulseError, InputError, ModelError
from service.worker_handle import PoolError


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("service."):
            yield from descendants(child)


@pytest.mark.parametrize("kind", list(descendants(FacePulseError)) + list(descendants(PoolError)))
def test_every_error_has_its_place_in_the_table(kind: type[FacePulseError]) -> None:
    assert kind.code in PROBLEMS


@pytest.mark.parametrize("kind", list(descendants(InputError)))
def test_a_bad_video_is_the_callers_fault(kind: type[InputError]) -> None:
    assert PROBLEMS[kind.code].status in (413, 415, 422)


@pytest.mark.parametrize("kind", list(descendants(ModelError)))
def test_a_broken_model_is_ours(kind: type[ModelError]) -> None:
    assert PROBLEMS[kind.code].status == 500


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_is_a_whole_one(code: str) -> None:
    problem = make_problem(code, "id")
    assert problem.type == f"/problems/{code}"
    assert problem.title
    assert problem.detail.endswith(".")
    assert 400 <= problem.status < 600


def test_an_unknown_code_is_an_internal_error_and_loses_its_words() -> None:
    problem = make_problem("surprise", "id", detail="secret")
    assert (problem.code, problem.status) == ("internal_error", 500)
    assert "secret" not in problem.detail


def test_who_is_turned_away_learns_when_to_come_back() -> None:
    def retry(code: str) -> str | None:
        response: Response = problem_response(make_problem(code, "id"))
        return response.headers.get("retry-after")

    assert retry("queue_full") == "5"
    assert retry("no_face") is None


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (418, "http_error"), (500, "internal_error"), (502, "internal_error")]
)
def test_the_framework_knows_only_a_status(status: int, code: str) -> None:
    assert code_of_status(status) == code


def test_a_refusal_carries_its_code() -> None:
    assert RequestRefused("empty_file").code == "empty_file"
