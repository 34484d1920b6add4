import pytest
from pydantic import ValidationError

from service.api.errors import field_problems
from service.api.option_schemas import HeartRateOptions
from tests.service.server import Server


def test_an_input_error_names_the_field_in_words_of_ours() -> None:
    try:
        HeartRateOptions.model_validate({"face": "sideways"})
    except ValidationError as error:
        problems = field_problems(error.errors())
    assert [(p.field, p.detail) for p in problems] == [("face", "is not one of the values that are taken")]


def test_a_kind_of_error_that_nobody_thought_of() -> None:
    problems = field_problems([{"loc": ("query", "x"), "type": "strange", "input": "secret"}])
    assert problems[0].detail == "does not fit"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/models/nothing", 404, "not_found"),
        ("GET", "/problems/nothing", 404, "not_found"),
        ("GET", "/v1/heart-rate/", 404, "not_found"),
        ("GET", "/v1/heart-rate", 405, "method_not_allowed"),
        ("DELETE", "/livez", 405, "method_not_allowed"),
    ],
)
def test_errors_of_the_framework_are_problems_too(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    with server.client() as client:
        response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_method_that_is_not_taken_names_those_that_are(server: Server) -> None:
    with server.client() as client:
        assert client.get("/v1/heart-rate").headers["allow"] == "POST"
        assert client.put("/v1/jobs/x").headers["allow"] == "GET, DELETE"
