import json

from service.api.docs import docs_page
from service.api.examples import HEART_RATE_RESPONSES
from service.api.problems import MEDIA_TYPE
from service.api.schemas import HeartRateResult
from service.main import create_app
from service.settings import Settings


def test_every_address_is_on_the_page() -> None:
    openapi = create_app(Settings()).openapi()
    page = docs_page(openapi)
    assert all(path in page for path in openapi["paths"])
    assert "duration_s" in page
    assert "/problems/no_face" in page


def test_the_example_is_a_result() -> None:
    (example,) = (content["example"] for content in HEART_RATE_RESPONSES[200]["content"].values())
    assert json.loads(HeartRateResult.model_validate(example).to_json()) == example


def test_every_error_is_described_as_a_problem() -> None:
    app = create_app(Settings())
    app.openapi()
    openapi = app.openapi()  # the second time as the first
    responses = {path: next(iter(operations.values()))["responses"] for path, operations in openapi["paths"].items()}
    del responses["/readyz"]["503"]  # says how it is in the same form as 200
    errors = [response for each in responses.values() for status, response in each.items() if status != "200"]
    assert {kind for response in errors for kind in response["content"]} == {MEDIA_TYPE}
    schemas = [response["content"][MEDIA_TYPE]["schema"] for response in errors]
    assert schemas == [{"$ref": "#/components/schemas/Problem"}] * len(errors)
    assert "422" not in responses["/v1/models/{name}"]
    assert "HTTPValidationError" not in json.dumps(openapi)


def test_what_is_shown_is_escaped() -> None:
    page = docs_page({"info": {"title": "<b>"}, "paths": {}})
    assert "<b>" not in page
