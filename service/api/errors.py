"""Turns every exception of a request into a problem; handlers do not catch."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.api.problems import RequestRefused, code_of_status, make_problem, problem_response
from service.api.schemas import FieldProblem
from service.pipeline.errors import FacePulseError
from service.worker_handle import PoolError

_LOG = logging.getLogger("facepulse.api")
_HEADERS_TO_KEEP = ("allow",)
_SENTENCES = {
    "missing": "is required",
    "string_pattern_mismatch": "has characters that are not allowed, or too many",
    "literal_error": "is not one of the values that are taken",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
}


def request_id_of(request: Request) -> str:
    """Return the id that the middleware gave this request."""
    return str(request.scope["facepulse.request_id"])


def field_problems(errors: Sequence[Any]) -> tuple[FieldProblem, ...]:
    """Turn pydantic's errors into names of our options and sentences of ours; the input is left behind."""
    return tuple(
        FieldProblem(field=str(error["loc"][-1]), detail=_SENTENCES.get(str(error["type"]), "does not fit"))
        for error in errors
    )


async def _on_named_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FacePulseError | PoolError | RequestRefused), "registered for these"
    errors = error.errors if isinstance(error, RequestRefused) else ()
    problem = make_problem(error.code, request_id_of(request), detail=error.detail, errors=errors)
    if problem.status == 500:
        _LOG.error("request failed", extra={"request_id": problem.request_id, "code": error.code})
    return problem_response(problem)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for these"
    errors = field_problems(error.errors())
    return problem_response(make_problem("validation_failed", request_id_of(request), errors=errors))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for these"
    problem = make_problem(code_of_status(error.status_code), request_id_of(request))
    kept = {name: value for name, value in (error.headers or {}).items() if name.lower() in _HEADERS_TO_KEEP}
    return problem_response(problem, kept)


def register(app: FastAPI) -> None:
    """Make the app answer with problems only."""
    for kind in (FacePulseError, PoolError, RequestRefused):
        app.add_exception_handler(kind, _on_named_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
