"""Live measurement over the service's WebSocket: timed JPEG frames in, an update about once a second out."""

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from facepulse.errors import FacePulseError, LiveEnded, ServiceFailed, TookTooLong, Unreachable, error_of
from facepulse.live_results import LiveUpdate
from facepulse.parse import UnexpectedShape, parse
from facepulse.retries import retry_after_s
from facepulse.sources import TimedJpeg

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

Frames: TypeAlias = Iterable[TimedJpeg] | AsyncIterable[TimedJpeg]
Box: TypeAlias = tuple[float, float, float, float]
_TIME = struct.Struct(">d")
_END: Any = object()


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """Where the stream is, and how to be let in."""

    url: str
    api_key: str | None
    timeout_s: float
    is_local: bool

    @property
    def socket_url(self) -> str:
        """The WebSocket's address."""
        parts = urlsplit(self.url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/v1/stream", "", ""))


def pack(time_s: float, jpeg: bytes) -> bytes:
    """Return a frame as it is sent: its capture time in seconds on any clock, then the JPEG."""
    return _TIME.pack(time_s) + jpeg


def read_update(message: str | bytes) -> LiveUpdate:
    """Read an update's JSON. Raises UnexpectedShape or ValueError."""
    return parse(LiveUpdate, json.loads(message))


async def open_stream(address: LiveAddress, *, model: str, box: Box | None) -> "ClientConnection":
    """Connect and begin a session; returns once a worker is there. Raises FacePulseError."""
    from websockets.asyncio.client import connect  # noqa: PLC0415
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException  # noqa: PLC0415
    from websockets.typing import Subprotocol  # noqa: PLC0415

    headers = {"Authorization": f"Bearer {address.api_key}"} if address.api_key else {}
    try:
        socket = await connect(
            address.socket_url,
            additional_headers=headers,
            subprotocols=[Subprotocol("facepulse.v1")],
            compression=None,  # JPEG has nothing left to compress
            proxy=None if address.is_local else True,
            open_timeout=address.timeout_s,
        )
        try:
            with suppress(ConnectionClosed):  # why it hung up may be among what is to be received
                await socket.send(json.dumps({"type": "start", "model": model} | ({} if box is None else {"box": box})))
            async with asyncio.timeout(address.timeout_s):
                _expect_start(await socket.recv())
        except BaseException:
            await socket.close()
            raise
    except InvalidStatus as error:
        raise _refusal(error.response) from error
    except TimeoutError as error:
        raise TookTooLong("timeout", detail="the live measurement did not begin in time") from error
    except ConnectionClosed as error:
        raise Unreachable("unreachable", detail="the connection broke off before the measurement began") from error
    except (OSError, WebSocketException) as error:
        raise Unreachable("unreachable", detail="nothing answers at this address") from error
    return socket


async def updates(socket: "ClientConnection", frames: Frames) -> AsyncGenerator[LiveUpdate]:
    """Send the frames while yielding what is told; ends after the last frame's update.

    Raises FacePulseError, and whatever reading the frames raises.
    """
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415

    sending = asyncio.create_task(_send(socket, frames))
    try:
        async for text in socket:
            message = _decoded(text)
            if message.get("type") == "bye":
                break
            yield _update(message)
        else:
            raise Unreachable("unreachable", detail="the connection ended before the measurement did")
        if message.get("reason") != "done":
            raise LiveEnded(str(message.get("reason")), detail="the service ended the measurement")
        await sending
    except ConnectionClosed as error:
        raise Unreachable("unreachable", detail="the connection broke off") from error
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await socket.close()


async def _send(socket: "ClientConnection", frames: Frames) -> None:
    """Send the frames, then the wish for the last update, which also follows a source that fails."""
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415

    with suppress(ConnectionClosed):  # whoever reads the updates says why
        try:
            async with aclosing(_each(frames)) as each:
                async for time_s, jpeg in each:
                    await socket.send(pack(time_s, jpeg))
        finally:
            await socket.send('{"type": "stop"}')


async def _each(frames: Frames) -> AsyncGenerator[TimedJpeg]:
    """Yield the frames; those of a blocking iterator are awaited in a thread of its own."""
    if isinstance(frames, AsyncIterable):
        async for frame in frames:
            yield frame
        return
    iterator, loop = iter(frames), asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, "facepulse-frames")
    try:
        while (frame := await loop.run_in_executor(thread, next, iterator, _END)) is not _END:
            yield frame
    finally:
        if close := getattr(iterator, "close", None):
            thread.submit(close)  # in its thread, as the iterator may still be at work there
        thread.shutdown(wait=False)


def _expect_start(text: str | bytes) -> None:
    message = _decoded(text)
    if message.get("type") != "started":
        raise _unexpected("the session did not begin")


def _decoded(text: str | bytes) -> dict[str, Any]:
    """Return a message. Raises the error that it tells."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise _unexpected("a message is no JSON") from error
    if not isinstance(message, dict):
        raise _unexpected("a message is no object")
    if message.get("type") == "error":
        problem = message.get("problem")
        status = problem.get("status") if isinstance(problem, dict) else None
        raise error_of(status if isinstance(status, int) else 500, problem)
    return message


def _update(message: dict[str, Any]) -> LiveUpdate:
    try:
        return parse(LiveUpdate, message)
    except UnexpectedShape as error:
        raise _unexpected(str(error)) from error


def _unexpected(detail: str) -> FacePulseError:
    return ServiceFailed("unexpected_answer", detail=detail)


def _refusal(response: Any) -> FacePulseError:
    try:
        problem = json.loads(response.body or b"")
    except ValueError:
        problem = None
    return error_of(response.status_code, problem, retry_after_s=retry_after_s(response.headers))
