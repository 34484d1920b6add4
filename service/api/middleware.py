"""What surrounds every request: its id, its log line, its safety headers, patience with slow bodies, the last resort.

Pure ASGI, so that a client that goes away and a body that trickles are seen as they happen.
"""

import asyncio
import logging
import re
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import RequestRefused, make_problem, problem_response
from service.logs import describe_error

_LOG = logging.getLogger("facepulse.requests")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_SAFETY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_LINGER_S = 2.0
_LINGER_BYTES = 16_000_000
_CLOSED_BY_CLIENT = 499  # what nginx logs for it


@dataclass(frozen=True, slots=True)
class BodyPatience:
    """A body is stalled when less than min_bytes_per_s come over stall_timeout_s, and must be complete in total_s."""

    stall_timeout_s: float = 30.0
    min_bytes_per_s: int = 1024
    total_s: float = 600.0


class RequestGuard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, patience: BodyPatience) -> None:
        self._app = app
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._patience)
        try:
            if exchange.is_ambiguous:
                raise RequestRefused("bad_request")
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = _CLOSED_BY_CLIENT
        except RequestRefused as refusal:
            await exchange.refuse(refusal.code)
        except Exception as error:  # the outermost boundary: nothing of it may reach the caller or the log as it is
            _LOG.error("request failed", extra={"request_id": exchange.request_id, "where": describe_error(error)})
            await exchange.refuse("internal_error")
        finally:
            exchange.log()


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, patience: BodyPatience) -> None:
        self._headers = Headers(scope=scope)
        given = self._headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
        self.status = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._clock = _BodyClock(patience)
        self._since = time.monotonic()
        self._body_complete = not {"content-length", "transfer-encoding"} & set(self._headers)
        self._received_bytes = self._sent_bytes = 0
        scope["facepulse.request_id"] = self.request_id

    @property
    def is_ambiguous(self) -> bool:
        """Whether two lengths are given: what one server takes for a body another takes for the next request."""
        return "content-length" in self._headers and "transfer-encoding" in self._headers

    async def receive(self) -> Message:
        """Pass on the next piece of the body. Raises RequestRefused when it does not come in time."""
        if self._body_complete:
            return await self._receive()
        message = await self._clock.wait(self._receive)
        self._note(message)
        return message

    def _note(self, message: Message) -> None:
        self._received_bytes += len(message.get("body", b""))
        self._body_complete = message["type"] == "http.disconnect" or not message.get("more_body", False)

    async def send(self, message: Message) -> None:
        """Pass on a piece of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers["X-Request-Id"] = self.request_id
            for name, value in _SAFETY_HEADERS.items():
                headers.setdefault(name, value)
            if not self._body_complete:
                headers["Connection"] = "close"
        elif message["type"] == "http.response.body":
            self._sent_bytes += len(message.get("body", b""))
            if not message.get("more_body", False) and not self._body_complete:
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        """Read on for a moment: closing while the client still sends would make it lose our answer."""
        try:
            async with asyncio.timeout(_LINGER_S):
                while not self._body_complete and self._received_bytes < _LINGER_BYTES:
                    self._note(await self._receive())
        except TimeoutError:
            pass

    async def refuse(self, code: str) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status == 0:
            response = problem_response(make_problem(code, self.request_id))
            await response(self._scope, self.receive, self.send)

    def log(self) -> None:
        """Write the request's one line."""
        route = self._scope.get("route")
        fields: MutableMapping[str, Any] = {
            "request_id": self.request_id,
            "method": self._scope["method"] if len(self._scope["method"]) <= 8 else "other",
            "route": getattr(route, "path", "unmatched"),
            "status": self.status or _CLOSED_BY_CLIENT,
            "duration_ms": round(1000 * (time.monotonic() - self._since), 1),
            "bytes_in": self._received_bytes,
            "bytes_out": self._sent_bytes,
        }
        _LOG.info("request", extra=dict(fields))


class _BodyClock:
    """Counts only the time that we wait for the client, not the time that our own disk takes."""

    def __init__(self, patience: BodyPatience) -> None:
        self._patience = patience
        self._total_s = 0.0
        self._window_s = 0.0
        self._window_bytes = 0

    async def wait(self, receive: Receive) -> Message:
        """Return the next message. Raises RequestRefused (request_timeout)."""
        since = time.monotonic()
        patience = self._patience
        try:
            async with asyncio.timeout(max(0.0, patience.stall_timeout_s - self._window_s)):
                message = await receive()
        except TimeoutError as error:
            raise RequestRefused("request_timeout") from error
        waited_s = time.monotonic() - since
        self._total_s += waited_s
        self._window_s += waited_s
        self._window_bytes += len(message.get("body", b""))
        if self._window_bytes >= patience.stall_timeout_s * patience.min_bytes_per_s:
            self._window_s = self._window_bytes = 0
        if self._total_s > patience.total_s:
            raise RequestRefused("request_timeout")
        return message
