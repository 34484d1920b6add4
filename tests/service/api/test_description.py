"""What the OpenAPI description says, and that its examples are what it says."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from service.api.auth import needs_no_key
from service.api.examples import SHARED
from service.api.origins import SENT_HEADERS
from service.api.problems import MEDIA_TYPE, PROBLEMS
from service.main import create_app
from service.settings import Settings

OPENAPI = create_app(Settings()).openapi()
OPERATIONS = [(m, path, o) for path, operations in OPENAPI["paths"].items() for m, o in operations.items()]
RESPONSES = [(f"{m} {path} {s}", s, r) for m, path, o in OPERATIONS for s, r in o["responses"].items()]


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield every example with its place and its schema."""
    for place, _, response in RESPONSES:
        for kind, content in response.get("content", {}).items():
            if "example" in content:
                yield f"{place} {kind}", content.get("schema", {}), content["example"]
            for name, reference in content.get("examples", {}).items():
                example = OPENAPI["components"]["examples"][reference["$ref"].rpartition("/")[2]]
                yield f"{place} {name}", content["schema"], example["value"]


def test_it_is_made_once() -> None:
    app = create_app(Settings())
    first = json.dumps(app.openapi())
    assert json.dumps(app.openapi()) == first == json.dumps(OPENAPI)


@pytest.mark.parametrize(("schema", "example"), [pytest.param(s, e, id=name) for name, s, e in examples()])
def test_every_example_fits_its_schema(schema: dict[str, Any], example: Any) -> None:
    whole = {**schema, "components": OPENAPI["components"]}
    jsonschema_rs.validator_for(whole).validate(example)


def test_an_example_shows_fields_that_are_null_too() -> None:
    found = {name: example for name, _, example in examples()}
    assert found["post /v1/heart-rate 200 measurement"]["respiration_rate_reason"] is None


@pytest.mark.parametrize(("status", "response"), [pytest.param(s, r, id=name) for name, s, r in RESPONSES])
def test_every_error_is_a_problem(status: str, response: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if status.startswith("2") or "/readyz 503" in request.node.name:
        return
    assert set(response["content"]) == {MEDIA_TYPE}
    assert response["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize(("path", "operation"), [pytest.param(p, o, id=f"{m} {p}") for m, p, o in OPERATIONS])
def test_keys_are_told_where_they_are_needed(path: str, operation: dict[str, Any]) -> None:
    if needs_no_key(path):
        assert operation["security"] == [{}]
        assert "401" not in operation["responses"]
    else:
        assert "security" not in operation, "what stands at the top holds"
        assert operation["responses"]["401"]["content"][MEDIA_TYPE]["examples"].keys() == {"unauthorized"}
        assert "rate_limited" in operation["responses"]["429"]["content"][MEDIA_TYPE]["examples"]
    assert "default" in operation["responses"]


def test_the_ways_to_send_a_key() -> None:
    assert OPENAPI["components"]["securitySchemes"].keys() == {"bearer", "header"}
    assert OPENAPI["security"] == [{"bearer": []}, {"header": []}, {}]


def test_who_may_come_back_is_told_when() -> None:
    for place, status, response in RESPONSES:
        if status in ("429", "503"):
            assert "Retry-After" in response["headers"], place


def test_operations_have_short_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert "measure_heart_rate" in names


def test_every_operation_has_a_summary_and_a_tag() -> None:
    assert all(operation["summary"] and operation["tags"] for _, _, operation in OPERATIONS)


def test_the_frameworks_own_errors_are_not_told() -> None:
    assert "HTTPValidationError" not in json.dumps(OPENAPI)
    (models,) = (operation for _, path, operation in OPERATIONS if path == "/v1/models/{name}")
    assert "422" not in models["responses"]


def test_every_example_is_shown_once() -> None:
    assert OPENAPI["components"]["examples"].keys() == {f"problem_{code}" for code in PROBLEMS} | SHARED.keys()


def test_web_pages_may_send_every_header_that_is_told() -> None:
    told = {p["name"].lower() for _, _, o in OPERATIONS for p in o.get("parameters", []) if p["in"] == "header"}
    assert told <= {name.lower() for name in SENT_HEADERS}


def test_a_parameter_or_form_field_may_be_absent_but_never_null() -> None:
    schemas = [parameter["schema"] for _, _, o in OPERATIONS for parameter in o.get("parameters", [])]
    forms = [form["schema"] for _, _, o in OPERATIONS for form in o.get("requestBody", {}).get("content", {}).values()]
    assert "null" not in json.dumps(schemas + forms)
