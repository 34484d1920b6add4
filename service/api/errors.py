"""Turns every exception of a request into a problem; handlers do not catch."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketState

from service.api.problem_schemas import FieldProblem, Problem
from service.api.problems import RequestRefused, code_of_status, make_problem, problem_response
from service.pipeline.errors import FacePulseError
from service.worker_handle import PoolError

_LOG = logging.getLogger("facepulse.api")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENTENCES = {
    "missing": "is required",
    "string_pattern_mismatch": "has characters that are not allowed, or too many",
    "literal_error": "is not one of the values that are taken",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
}


def request_id_of(connection: HTTPConnection) -> str:
    """Return the id that the middleware gave this request."""
    return str(connection.scope["facepulse.request_id"])


def field_problems(errors: Sequence[Any]) -> tuple[FieldProblem, ...]:
    """Turn pydantic's errors into names of our options and sentences of ours; the input is left behind."""
    return tuple(
        FieldProblem(field=str(error["loc"][-1]), detail=_SENTENCES.get(str(error["type"]), "does not fit"))
        for error in errors
    )


async def refuse(
    scope: Scope, receive: Receive, send: Send, code: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer a request, or a WebSocket that is not open yet, with the problem of a code; for middleware."""
    problem = make_problem(code, scope["facepulse.request_id"])
    await problem_response(problem, headers)(scope, receive, send)


async def _answer(
    connection: Request | WebSocket, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response | None:
    """Return the problem as a response; a WebSocket that is open already is told and closed."""
    if isinstance(connection, WebSocket) and connection.application_state is WebSocketState.CONNECTED:
        if connection.client_state is WebSocketState.CONNECTED:
            await connection.send_json({"type": "error", "problem": problem.model_dump(exclude_none=True)})
            await connection.close(close_code_of(problem.status), problem.code)
        return None
    return problem_response(problem, headers)


def close_code_of(status: int) -> int:
    """Return the WebSocket close code that stands for a problem: try again later, our fault, or the caller's."""
    if status in (429, 503):
        return 1013
    return 1011 if status >= 500 else 1008


async def _on_named_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    assert isinstance(error, FacePulseError | PoolError | RequestRefused), "registered for these"
    errors = error.errors if isinstance(error, RequestRefused) else ()
    problem = make_problem(error.code, request_id_of(connection), detail=error.detail, errors=errors)
    if problem.status == 500:
        _LOG.error("request failed", extra={"request_id": problem.request_id, "code": error.code})
    return await _answer(connection, problem)


async def _on_validation_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError), "registered for these"
    errors = field_problems(error.errors())
    return await _answer(connection, make_problem("validation_failed", request_id_of(connection), errors=errors))


async def _on_http_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    assert isinstance(error, HTTPException), "registered for these"
    problem = make_problem(code_of_status(error.status_code), request_id_of(connection))
    headers = {"Allow": ", ".join(_allowed(connection))} if error.status_code == 405 else None
    return await _answer(connection, problem, headers)


def _allowed(connection: HTTPConnection) -> list[str]:
    """Return the methods that an address takes; the framework names only those of the first route that has it."""
    routes, scope = connection.app.router.routes, connection.scope
    return [m for m in _METHODS if any(route.matches({**scope, "method": m})[0] is Match.FULL for route in routes)]


def register(app: FastAPI) -> None:
    """Make the app answer with problems only."""
    handlers = {
        **dict.fromkeys((FacePulseError, PoolError, RequestRefused), _on_named_error),
        **dict.fromkeys((RequestValidationError, WebSocketRequestValidationError), _on_validation_error),
        HTTPException: _on_http_error,
    }
    for kind, handler in handlers.items():
        # The annotations know no handler that answers both kinds of connection, the code does.
        app.add_exception_handler(kind, cast(Callable[[Request, Exception], Awaitable[Response]], handler))
