"""uvicorn's WebSockets with what they lack: an end of patience, refusals in our words, a limit on tiny frames."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.exceptions import SecurityError
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.server import ServerProtocol

from service.protocol import Patience, ReaderClock, bare_problem

_QUIET = logging.getLogger("facepulse.websocket")
_QUIET.setLevel(logging.WARNING)
_QUIET.addFilter(lambda line: not (line.exc_info and isinstance(line.exc_info[1], UnicodeDecodeError)))  # not our error
_SLICE_BYTES = 8192
_MAX_FRAMES = 128  # in a slice: 64 bytes each, less than any picture has
_CODES = {405: "method_not_allowed", 414: "header_too_large", 431: "header_too_large", 500: "internal_error"}


class _Conversation(ServerProtocol):
    """The protocol's rules; `frames` counts what came in. The library's own refusals would quote the request."""

    frames = 0

    def reject(self, status: HTTPStatus | int, text: str) -> Response:
        """Return the problem that stands for a refused opening."""
        del text
        status, headers, body = bare_problem(_CODES.get(status, "bad_request"))
        return Response(status, HTTPStatus(status).phrase, Headers(headers), body)

    def events_received(self) -> list[Event]:
        """Return what came in since the last call."""
        events = super().events_received()
        self.frames += len(events)
        return events


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket; the header was watched by the protocol before it."""

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
        self.logger = _QUIET  # uvicorn's own would log addresses with their query strings
        self.conn: _Conversation = _Conversation(max_size=config.ws_max_size, logger=_QUIET)
        self._reader = ReaderClock(self.loop, patience)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, a little at a time: thousands of tiny frames would keep everybody else waiting."""
        for start in range(0, len(data), _SLICE_BYTES):
            if self.close_sent and self.transport.is_closing():
                return
            before = self.conn.frames
            super().data_received(data[start : start + _SLICE_BYTES])
            if self.conn.frames - before > _MAX_FRAMES:
                self._hang_up_on_flood()
        if not self.handshake_initiated:
            self._refuse_opening()

    def _hang_up_on_flood(self) -> None:
        if not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many small frames")
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Hang up on a client that breaks the rules; without a word if it did so before the opening was answered."""
        if self.conn.close_sent is None:
            self.close_sent = True
            self.transport.abort()
        else:
            super().handle_parser_exception()

    def _refuse_opening(self) -> None:
        """Answer an opening that could not be read; uvicorn leaves it without a word, and open for ever."""
        error = self.conn.handshake_exc
        is_too_large = isinstance((error and error.__cause__) or error, SecurityError)
        response = self.conn.reject(431 if is_too_large else 400, "")
        self.transport.write(response.serialize())
        self.handshake_complete = self.close_sent = True
        self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        """Send; an answer in place of a WebSocket ends the handshake too, which uvicorn would log as an error.

        Raises ClientDisconnected, also when it was we who hung up.
        """
        if self.handshake_complete and self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._reader.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start to watch a client that does not keep up, and hear nothing until it does: pings are answered too."""
        super().pause_writing()
        self.transport.pause_reading()
        self._reader.start(self.transport)

    def resume_writing(self) -> None:
        """Stop: it has read everything."""
        self._reader.stop()
        if not self.read_paused:
            self.transport.resume_reading()
        super().resume_writing()


def patient_websocket(patience: Patience) -> Callable[..., asyncio.Protocol]:
    """Return a protocol factory for uvicorn's `ws` option."""

    def connect(*args: Any, **kwargs: Any) -> asyncio.Protocol:
        return PatientWebSocket(*args, **kwargs, patience=patience)

    return connect
