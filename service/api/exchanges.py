"""One HTTP request or WebSocket as seen from outside: its answer's headers, its counts, patience with slow bodies."""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from service.api.errors import close_code_of, refuse
from service.api.problems import PROBLEMS, RequestRefused

_SAFETY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_LINGER_S = 2.0
_LINGER_BYTES = 16_000_000
CLOSED_BY_CLIENT = 499  # what nginx logs for it


@dataclass(frozen=True, slots=True)
class BodyPatience:
    """A body is stalled when less than min_bytes_per_s come over stall_timeout_s, and must be complete in total_s.

    A route that takes larger bodies says so in scope["facepulse.body_total_s"].
    """

    stall_timeout_s: float = 30.0
    min_bytes_per_s: int = 1024
    total_s: float = 600.0


class Exchange(Protocol):
    """What the guard needs of both kinds: `status` is the answer's, 0 before there is one."""

    status: int

    @property
    def is_ambiguous(self) -> bool:
        """Whether it can be read in two ways."""

    async def receive(self) -> Message:
        """Pass on what comes in."""

    async def send(self, message: Message) -> None:
        """Pass on what goes out."""

    def note_client_gone(self) -> None:
        """Remember that the client hung up."""

    async def refuse(self, code: str) -> None:
        """Say the problem of this code, if it can still be said."""

    def counts(self) -> dict[str, int]:
        """Return what the log may tell of it."""


def _add_headers(message: Message, request_id: str) -> MutableHeaders:
    """Give an answer its id and the safety headers that its route has not set itself."""
    headers = MutableHeaders(raw=message.setdefault("headers", []))
    headers["X-Request-Id"] = request_id
    for name, value in _SAFETY_HEADERS.items():
        headers.setdefault(name, value)
    return headers


class HttpExchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, patience: BodyPatience) -> None:
        self._headers = Headers(scope=scope)
        self.status = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._clock = _BodyClock(patience)
        self._total_s = patience.total_s
        self._body_complete = not {"content-length", "transfer-encoding"} & set(self._headers)
        self._received_bytes = self._sent_bytes = 0

    @property
    def is_ambiguous(self) -> bool:
        """Whether two lengths are given: what one server takes for a body another takes for the next request."""
        return "content-length" in self._headers and "transfer-encoding" in self._headers

    async def receive(self) -> Message:
        """Pass on the next piece of the body. Raises RequestRefused when it does not come in time."""
        if self._body_complete:
            return await self._receive()
        total_s = self._scope.get("facepulse.body_total_s", self._total_s)
        message = await self._clock.wait(self._receive, total_s)
        self._note(message)
        return message

    def _note(self, message: Message) -> None:
        self._received_bytes += len(message.get("body", b""))
        self._body_complete = message["type"] == "http.disconnect" or not message.get("more_body", False)

    async def send(self, message: Message) -> None:
        """Pass on a piece of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = _add_headers(message, self._scope["facepulse.request_id"])
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
        except (TimeoutError, asyncio.CancelledError):  # the latter when the service ends; the answer is out
            pass

    def note_client_gone(self) -> None:
        """Remember that it hung up."""
        self.status = CLOSED_BY_CLIENT

    async def refuse(self, code: str) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status == 0:
            await refuse(self._scope, self.receive, self.send, code)

    def counts(self) -> dict[str, int]:
        """Return what the log may tell of it."""
        return {"bytes_in": self._received_bytes, "bytes_out": self._sent_bytes}


class SocketExchange:
    """One WebSocket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.status = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._close_code = 0
        self._messages_in = self._messages_out = 0
        self._bytes_in = self._bytes_out = 0

    @property
    def is_ambiguous(self) -> bool:
        """Never: its opening has no body."""
        return False

    async def receive(self) -> Message:
        """Pass on the next message."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._messages_in += 1
            self._bytes_in += _size(message)
        elif message["type"] == "websocket.disconnect":
            self._close_code = self._close_code or message.get("code") or 1005
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message; an address that no WebSocket has answers as any other does."""
        if message["type"] == "websocket.close" and self.status == 0:
            await self.refuse("not_found")
            return
        if message["type"] == "websocket.accept":
            self.status = 101
            message["headers"] = [*message.get("headers", [])]
            MutableHeaders(raw=message["headers"])["X-Request-Id"] = self._scope["facepulse.request_id"]
        elif message["type"] == "websocket.http.response.start":
            self.status = message["status"]
            _add_headers(message, self._scope["facepulse.request_id"])
        elif message["type"] == "websocket.close":
            self._close_code = self._close_code or message.get("code", 1000)
        elif message["type"] == "websocket.send":
            self._messages_out += 1
            self._bytes_out += _size(message)
        await self._send(message)

    def note_client_gone(self) -> None:
        """Remember that it hung up without a word."""
        self._close_code = self._close_code or 1006

    async def refuse(self, code: str) -> None:
        """Answer with a problem while it is not open, close it when it is, leave it when it is over."""
        if self.status == 0:
            await refuse(self._scope, self.receive, self.send, code)
        elif not self._close_code:
            await self.send({"type": "websocket.close", "code": close_code_of(PROBLEMS[code].status), "reason": code})

    def counts(self) -> dict[str, int]:
        """Return what the log may tell of it."""
        return {
            "close_code": self._close_code,
            "messages_in": self._messages_in,
            "messages_out": self._messages_out,
            "bytes_in": self._bytes_in,
            "bytes_out": self._bytes_out,
        }


def _size(message: Message) -> int:
    return len(message.get("bytes") or message.get("text") or b"")


class _BodyClock:
    """Counts only the time that we wait for the client, not the time that our own disk takes."""

    def __init__(self, patience: BodyPatience) -> None:
        self._patience = patience
        self._total_s = 0.0
        self._window_s = 0.0
        self._window_bytes = 0

    async def wait(self, receive: Receive, total_s: float) -> Message:
        """Return a body's next message; it must be complete in total_s. Raises RequestRefused (request_timeout)."""
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
        if self._total_s > total_s:
            raise RequestRefused("request_timeout")
        return message
