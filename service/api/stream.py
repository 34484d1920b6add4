"""WS /v1/stream: live measuring. Frames come in, updates go out; a worker is held for each session.

Three tasks share a session. One reads the client and never waits for the worker: it puts frames into a mailbox of a few
places, in which the newest win. One feeds the worker, which has two frames before it at most. One tells the client what
the worker says. The first of them to end ends the session.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocketDisconnect

from service.api.errors import request_id_of
from service.api.mailbox import Mailbox
from service.api.problems import RequestRefused
from service.api.schemas import ResultWarning
from service.api.state import Service
from service.api.stream_messages import SUBPROTOCOL, Bye, ByeReason, Start, Started, Stop, Update
from service.settings import Settings
from service.wire import SessionTask
from service.worker_session import Session

T = TypeVar("T")
Text = TypeVar("Text", bound=BaseModel)

router = APIRouter()
_MAX_TEXT = 4096
_TOLERATED_LOSS = 0.05  # of the frames since the last update; a hiccup of the network is no reason to warn
_DROPPED = ResultWarning(
    code="frames_dropped", detail="Frames were left out, as they come faster than they can be measured."
)
_MOST_SILENT = 64  # connections without a session: they cost nothing but a file each
_NOTHING_KNOWN = b"null"
_NORMAL, _SERVICE_RESTART = 1000, 1012


class LivePlaces:
    """How many sessions there may be at a time, and how many there are."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.usable_live_sessions
        self._connected = 0
        self.open = 0

    @contextlib.contextmanager
    def connect(self) -> Iterator[None]:
        """Count as connected for the length of the block. Raises RequestRefused when too many have not begun yet."""
        if self._connected - self.open >= _MOST_SILENT:
            raise RequestRefused("too_many_sessions")
        self._connected += 1
        try:
            yield
        finally:
            self._connected -= 1

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """Count as a session for the length of the block. Raises RequestRefused when there are too many."""
        if self.open >= self._limit:
            raise RequestRefused("too_many_sessions")
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


@router.websocket("/v1/stream")
async def measure_live(websocket: WebSocket) -> None:
    """Hold one session: start, frames in and updates out, bye."""
    places: LivePlaces = websocket.app.state.live
    with places.connect():
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
        reason = await LiveConnection(websocket, websocket.app.state.service, places).run()
        await websocket.send_text(Bye(reason=reason).model_dump_json())
        await websocket.close(_SERVICE_RESTART if reason == "stopping" else _NORMAL, reason)


class LiveConnection:
    """One client's session."""

    def __init__(self, websocket: WebSocket, service: Service, places: LivePlaces) -> None:
        self._websocket = websocket
        self._settings = service.settings
        self._pool = service.pool
        self._stopping = service.stopping
        self._places = places
        self._mailbox = Mailbox()

    async def run(self) -> ByeReason:
        """Measure until one side has enough; say why it is over.

        Raises RequestRefused, PoolError, or WebSocketDisconnect when the client is gone.
        """
        try:
            start = await self._read_start()
        except _Idle:
            return "idle"
        with self._places.take():
            task = SessionTask(model=start.model, face_box=start.box, limits=self._settings.live_limits)
            async with self._pool.session(task, wait_s=self._settings.live_wait_s) as session:
                await self._say(Started(request_id=request_id_of(self._websocket)))
                return await self._measure(session)

    async def _measure(self, session: Session) -> ByeReason:
        try:
            async with asyncio.timeout(self._settings.live_max_s):
                return await first_of(self._read(), self._feed(session), self._tell(session), self._await_end())
        except _Idle:
            return "idle"
        except TimeoutError:
            return "session_too_long"

    async def _read_start(self) -> Start:
        """Return what the client wants; a frame is a wish for the usual, and measured too."""
        message = await self._next()
        if message.get("bytes") is not None:
            self._put(message["bytes"])
            return Start()
        return _parse(Start, message["text"])

    async def _await_end(self) -> ByeReason:
        await self._stopping.wait()
        return "stopping"

    async def _read(self) -> NoReturn:
        """Bring frames in until the client wants to stop; what is told then ends the session."""
        while True:
            message = await self._next()
            if message.get("bytes") is None:
                _parse(Stop, message["text"])
                self._mailbox.close()
                await asyncio.Event().wait()  # the answer to what is in the mailbox ends the session
            self._put(message["bytes"])

    async def _feed(self, session: Session) -> NoReturn:
        while True:
            await session.send(await self._mailbox.get())

    async def _tell(self, session: Session) -> ByeReason:
        """Pass updates on until the last."""
        received = dropped = 0
        while (body := await session.receive()) != _NOTHING_KNOWN:
            now = self._mailbox.received, self._mailbox.dropped
            is_lossy = now[1] - dropped > _TOLERATED_LOSS * (now[0] - received)
            received, dropped = now
            update = Update.model_validate_json(body).with_counts(received, dropped, _DROPPED if is_lossy else None)
            await self._say(update)
            if update.final:
                break
        return "done"

    async def _next(self) -> dict[str, Any]:
        """Return the client's next message. Raises _Idle when none comes, WebSocketDisconnect when it is gone."""
        try:
            async with asyncio.timeout(self._settings.live_idle_s):
                message = await self._websocket.receive()
        except TimeoutError as error:
            raise _Idle from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return dict(message)

    def _put(self, body: bytes) -> None:
        if not body:
            raise RequestRefused("message_invalid")
        self._mailbox.put(body)

    async def _say(self, message: BaseModel) -> None:
        await self._websocket.send_text(message.model_dump_json())


class _Idle(Exception):
    """The client sent nothing for too long."""


def _parse(kind: type[Text], text: str) -> Text:
    """Read a text message. Raises RequestRefused."""
    if len(text) > _MAX_TEXT:
        raise RequestRefused("message_invalid")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise RequestRefused("message_invalid") from error


async def first_of(*work: Coroutine[Any, Any, T]) -> T:
    """Await what ends first and return or raise what came of it; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
