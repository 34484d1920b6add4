"""The OpenAPI description, with what is true of every address: keys, limits, and that all errors are problems."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service.api.auth import needs_no_key
from service.api.examples import SHARED
from service.api.problems import MEDIA_TYPE, PROBLEMS, ProblemType, make_problem

_LICENCE = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, as `Authorization: Bearer <key>`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same key in another header."},
}
# The empty one: a service that only its own machine reaches may have no keys.
_KEY_OR_NONE: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}, {}]
_NO_KEY_NEEDED: list[dict[str, list[str]]] = [{}]
_RETRY_AFTER = {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}}
_OF_ALL_THAT_NEED_A_KEY = {
    "401": "No valid key came with the request.",
    "429": "The caller sends more than it may; `Retry-After` says when to come back.",
}
_ID = "4f1d7c0a9b8e4d53b2a16f0e7c9d8a35"


class DescribedApp(FastAPI):
    """An app whose description says of keys and errors what is true, and never FastAPI's own 422."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        if self.openapi_schema is None:
            described = super().openapi()
            described["info"]["license"] = _LICENCE
            described["security"] = _KEY_OR_NONE
            components = described["components"]
            components["securitySchemes"] = _SCHEMES
            problems = {_example_name(code): _example(code, kind) for code, kind in PROBLEMS.items()}
            components["examples"] = SHARED | problems
            for path, operations in described["paths"].items():
                for operation in operations.values():
                    _describe(path, operation)
            for name in ("HTTPValidationError", "ValidationError"):
                components["schemas"].pop(name, None)
        return self.openapi_schema or {}


def operation_name(route: APIRoute) -> str:
    """Return the name that generated clients give an operation: that of its function."""
    return route.name


def _describe(path: str, operation: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation["responses"]
    for parameter in operation.get("parameters", []):
        _forbid_null(parameter["schema"])
    for form in operation.get("requestBody", {}).get("content", {}).values():
        for field in form["schema"].get("properties", {}).values():
            _forbid_null(field)
    if needs_no_key(path):
        operation["security"] = _NO_KEY_NEEDED
    else:
        for status, description in _OF_ALL_THAT_NEED_A_KEY.items():
            responses.setdefault(status, _problem_response(description, int(status)))
    for status, response in list(responses.items()):
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            content[MEDIA_TYPE] |= content.pop("application/json", {})
            _share_examples(content[MEDIA_TYPE])
        elif status == "422":
            del responses[status]
        for kind, body in content.items():
            if kind == "text/plain":
                body.setdefault("schema", {"type": "string"})
        if status in ("202", "429", "503"):
            response.setdefault("headers", {})["Retry-After"] = _RETRY_AFTER
    responses["default"] = _problem_response("Any other error.")
    operation["responses"] = dict(sorted(responses.items()))


def _forbid_null(schema: dict[str, Any]) -> None:
    """Say what is meant by an optional parameter or form field: it may be absent, but there is no null in either."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]


def _problem_response(description: str, status: int | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    codes = [code for code, kind in PROBLEMS.items() if kind.status == status]
    if codes:
        content["examples"] = {code: _example_reference(code) for code in codes}
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _share_examples(content: dict[str, Any]) -> None:
    """Let every response that shows a problem point to the one place where it stands."""
    for code in content.get("examples", {}):
        content["examples"][code] = _example_reference(code)


def _example_name(code: str) -> str:
    return f"problem_{code}"


def _example_reference(code: str) -> dict[str, str]:
    return {"$ref": f"#/components/examples/{_example_name(code)}"}


def _example(code: str, kind: ProblemType) -> dict[str, Any]:
    return {"summary": kind.title, "value": make_problem(code, _ID).model_dump(exclude_none=True)}
