"""uvicorn's HTTP with the patience it lacks: slow headers and slow readers are cut off.

uvicorn never times out a header that does not end nor a client that does not read. Bodies are watched by
`service.api.middleware`, which knows when the application waits for one.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from service.api.problems import MEDIA_TYPE, make_problem


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take: for a header; between two looks at how much of an answer it has read.

    max_connections: of more the one that idles longest is closed.
    """

    header_timeout_s: float = 10.0
    stall_timeout_s: float = 30.0
    min_bytes_per_s: int = 1024
    max_connections: int = 1000


class ReaderClock:
    """Cuts off a client that has not read min_bytes_per_s of what waits for it over stall_timeout_s."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self._loop = loop
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def start(self, transport: asyncio.Transport) -> None:
        """Start to watch, unless that is done already."""
        if self._timer is None:
            self._look_again(transport, transport.get_write_buffer_size())

    def stop(self) -> None:
        """Stop: it has read everything, or is gone."""
        _stop(self._timer)
        self._timer = None

    def _look_again(self, transport: asyncio.Transport, unread: int) -> None:
        self._timer = self._loop.call_later(self._patience.stall_timeout_s, self._check, transport, unread)

    def _check(self, transport: asyncio.Transport, unread_before: int) -> None:
        unread = transport.get_write_buffer_size()
        if unread_before - unread < self._patience.stall_timeout_s * self._patience.min_bytes_per_s:
            transport.abort()
        else:
            self._look_again(transport, unread)


class PatientH11Protocol(H11Protocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: Patience,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._header_timer: asyncio.TimerHandle | None = None
        self._reader = ReaderClock(self.loop, patience)
        self._since_s = self.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for a header."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._make_room()
        # With no room in our own buffer, "writing is paused" means: the client has not read all of it.
        self.transport.set_write_buffer_limits(high=0)
        self._watch_header()

    def _make_room(self) -> None:
        """Close the connection that idles longest if there are too many: without a file left, none could be taken."""
        if len(self.connections) <= self._patience.max_connections:
            return
        idle = (other for other in self.connections if isinstance(other, PatientH11Protocol) and other._is_idle)
        longest = min(idle, key=lambda other: other._since_s)
        self.connections.discard(longest)
        longest.transport.abort()

    @property
    def _is_idle(self) -> bool:
        """Whether it is neither being answered nor closed."""
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        _stop(self._header_timer)
        self._header_timer = None
        self._reader.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; the clock goes on until the header is complete, however many come."""
        super().data_received(data)
        self._watch_header()

    def _watch_header(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            _stop(self._header_timer)
            self._header_timer = None
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self._patience.header_timeout_s, self.transport.abort)

    def pause_writing(self) -> None:
        """Start to watch a client that does not keep up."""
        super().pause_writing()
        self._reader.start(self.transport)

    def resume_writing(self) -> None:
        """Stop: it has read everything."""
        self._reader.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP with a problem, unless an answer is on its way already; then hang up."""
        error = sys.exc_info()[1]
        too_large = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431
        status, headers, body = bare_problem("header_too_large" if too_large else "bad_request")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the application's own answer would come after ours
            self.cycle.message_event.set()
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            self.transport.abort()
        else:
            self.transport.close()


def bare_problem(code: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of a problem that is told without the application; then we hang up."""
    problem = make_problem(code, token_hex(16))
    body = json.dumps(problem.model_dump(exclude_none=True)).encode()
    headers = [
        ("content-type", MEDIA_TYPE),
        ("content-length", str(len(body))),
        ("x-request-id", problem.request_id),
        ("connection", "close"),
    ]
    return problem.status, headers, body


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def patient_protocol(patience: Patience) -> Callable[..., asyncio.Protocol]:
    """Return a protocol factory for uvicorn's `http` option."""

    def connect(*args: Any, **kwargs: Any) -> asyncio.Protocol:
        return PatientH11Protocol(*args, **kwargs, patience=patience)

    return connect
