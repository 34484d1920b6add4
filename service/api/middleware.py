"""What surrounds every request: its id, its log line, its listeners, the last resort.

Pure ASGI, so that a client that goes away and a body that trickles are seen as they happen.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from service.api.exchanges import CLOSED_BY_CLIENT, BodyPatience, Exchange, HttpExchange, SocketExchange
from service.api.problems import RequestRefused
from service.logs import describe_error

_LOG = logging.getLogger("facepulse.requests")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WS"})


class Measured(Protocol):
    """What metrics and traces may know of a result."""

    @property
    def timing_ms(self) -> Mapping[str, float]:
        """Time in each stage."""

    @property
    def confidence(self) -> float:
        """How far to trust it, 0..1."""


def note_result(connection: HTTPConnection, result: Measured) -> None:
    """Tell the guard which result a request is answered with, for metrics and traces."""
    connection.scope["facepulse.measured"] = result


@dataclass(frozen=True, slots=True)
class Finished:
    """A request that is over: what it was, the answer's status, when it began (ns since 1970) and how long it took."""

    scope: Scope
    status: int
    started_ns: int
    seconds: float

    @property
    def method(self) -> str:
        """The method, `WS` for a WebSocket, `other` for one that somebody made up."""
        method: str = self.scope.get("method", "WS")
        return method if method in _METHODS else "other"

    @property
    def route(self) -> str:
        """The template of the address, never the address itself."""
        return getattr(self.scope.get("route"), "path", "unmatched")

    @property
    def measured(self) -> Measured | None:
        """What came of it, if it was a measurement."""
        result: Measured | None = self.scope.get("facepulse.measured")
        return result


Listener = Callable[[Finished], None]


class RequestGuard:
    """The outermost middleware; `listeners` hear of every request when it is over."""

    def __init__(self, app: ASGIApp, patience: BodyPatience, listeners: Sequence[Listener] = ()) -> None:
        self._app = app
        self._patience = patience
        self._listeners = listeners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        scope["facepulse.request_id"] = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
        started_ns, since = time.time_ns(), time.monotonic()
        exchange = self._exchange(scope, receive, send)
        try:
            await self._run(exchange, scope)
        finally:
            finished = Finished(scope, exchange.status or CLOSED_BY_CLIENT, started_ns, time.monotonic() - since)
            _log(finished, exchange.counts())
            for listener in self._listeners:
                listener(finished)

    def _exchange(self, scope: Scope, receive: Receive, send: Send) -> Exchange:
        if scope["type"] == "http":
            return HttpExchange(scope, receive, send, self._patience)
        return SocketExchange(scope, receive, send)

    async def _run(self, exchange: Exchange, scope: Scope) -> None:
        try:
            if exchange.is_ambiguous:
                raise RequestRefused("bad_request")
            await self._app(scope, exchange.receive, exchange.send)
        except (ClientDisconnect, WebSocketDisconnect):
            exchange.note_client_gone()
        except RequestRefused as refusal:
            await exchange.refuse(refusal.code)
        except asyncio.CancelledError:  # the service ends, and this did not end in time
            await exchange.refuse("stopping")
        except Exception as error:  # the outermost boundary: nothing of it may reach the caller or the log as it is
            request_id = scope["facepulse.request_id"]
            _LOG.error("request failed", extra={"request_id": request_id, "where": describe_error(error)})
            await exchange.refuse("internal_error")


def _log(finished: Finished, counts: dict[str, int]) -> None:
    """Write the request's one line."""
    fields: dict[str, Any] = {
        "request_id": finished.scope["facepulse.request_id"],
        "method": finished.method,
        "route": finished.route,
        "status": finished.status,
        "duration_ms": round(1000 * finished.seconds, 1),
        **counts,
    }
    if finished.scope.get("facepulse.key"):
        fields["key"] = finished.scope["facepulse.key"]  # a name of the operator's own
    _LOG.info("request", extra=fields)
