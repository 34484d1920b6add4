import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from facepulse import (
    AccessDenied,
    AsyncClient,
    FacePulseError,
    LiveEnded,
    LiveUpdate,
    RequestRefused,
    Retries,
    ServiceBusy,
    ServiceFailed,
    Unreachable,
    file_frames,
)
from facepulse.live import LiveAddress, pack, read_update
from service.api.stream_messages import Bye, Update
from service.keys import new_key
from service.wire import DEFAULT_ESTIMATOR
from tests.facepulse.test_sources import CLIP
from tests.service.server import ROOT, Server, running_server

FRAMES = [(index / 30, b"jpeg") for index in range(5)]
STARTED = {"type": "started", "request_id": "ab"}
UPDATE: dict[str, Any] = {
    "type": "update", "time_s": 1.0, "status": "measuring", "bpm": None, "confidence": 0.0, "snr_db": None,
    "window_s": 0.0, "samples": {"fps": 30.0, "start_s": 0.0, "values": [0.1, None]},
    "bvp": {"fps": 30.0, "start_s": 0.0, "values": []}, "spectrum": None,
    "face": {"box": {"x0": 1.0, "y0": 2.0, "x1": 3.0, "y1": 4.0}}, "fps": 30.0, "frames": 5, "received": 5,
    "dropped": 0, "warnings": [], "model": {"name": "pos", "version": "", "sha256": ""}, "timing_ms": {}, "final": True,
}  # fmt: skip
BYE = Bye(reason="done").model_dump()


def collect(url: str, frames: Any, **options: Any) -> list[LiveUpdate]:
    async def work() -> list[LiveUpdate]:
        key = options.pop("api_key", None)
        retries = Retries(attempts=options.pop("attempts", 1), first_pause_s=0.01)
        async with AsyncClient(url, api_key=key, retries=retries) as client:
            return [update async for update in client.live(frames, **options)]

    return asyncio.run(work())


@contextmanager
def talking(*messages: Any) -> Iterator[tuple[str, list[Any]]]:
    """A stream that says these things once it heard `stop` (the first one at once), and what it heard."""
    heard: list[Any] = []

    def talk(socket: ServerConnection) -> None:
        for number, message in enumerate(messages):
            if number == 1:
                while not heard or heard[-1] != {"type": "stop"}:
                    said = socket.recv()
                    heard.append(said if isinstance(said, bytes) else json.loads(said))
            socket.send(message if isinstance(message, str) else json.dumps(message))

    with listening(talk) as url:
        yield url, heard


@contextmanager
def listening(talk: Callable[[ServerConnection], None], **options: Any) -> Iterator[str]:
    with serve(talk, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_frames_go_out_and_updates_come_back() -> None:
    with talking(STARTED, UPDATE, BYE) as (url, heard):
        updates = collect(url, FRAMES, model="pos", box=(1, 2, 3, 4))
    assert [update.frames for update in updates] == [5]
    assert heard[0] == {"type": "start", "model": "pos", "box": [1, 2, 3, 4]}
    assert heard[1:-1] == [pack(time_s, jpeg) for time_s, jpeg in FRAMES]


def test_frames_may_come_asynchronously() -> None:
    async def frames() -> AsyncIterator[tuple[float, bytes]]:
        for frame in FRAMES:
            await asyncio.sleep(0)
            yield frame

    with talking(STARTED, UPDATE, BYE) as (url, heard):
        collect(url, frames())
    assert len(heard) == 1 + len(FRAMES) + 1


def test_a_source_that_fails_says_so_in_the_end() -> None:
    def frames() -> Iterator[tuple[float, bytes]]:
        yield FRAMES[0]
        raise KeyError("the cable")

    with talking(STARTED, UPDATE, BYE) as (url, _), pytest.raises(KeyError, match="the cable"):
        collect(url, frames())


def test_the_source_is_closed_when_nobody_listens_any_more() -> None:
    closed = threading.Event()

    def frames() -> Iterator[tuple[float, bytes]]:
        try:
            while True:
                yield FRAMES[0]
        finally:
            closed.set()

    def talk(socket: ServerConnection) -> None:
        socket.send(json.dumps(STARTED))
        socket.recv(), socket.recv()
        socket.send(json.dumps(UPDATE))
        for _ in socket:
            pass

    async def work(url: str) -> None:
        async with AsyncClient(url) as client:
            updates = client.live(frames())
            await anext(updates)
            await updates.aclose()

    with listening(talk) as url:
        asyncio.run(work(url))
        assert closed.wait(10)


PROBLEM = {"code": "too_many_sessions", "status": 503, "detail": "Full.", "request_id": "ab"}
NO_COLOUR = PROBLEM | {"status": 422, "code": "no_colour"}


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ([{"type": "error", "problem": PROBLEM}], ServiceBusy, "too_many_sessions"),
        ([STARTED, {"type": "error", "problem": NO_COLOUR}], RequestRefused, "no_colour"),
        ([STARTED, {"type": "bye", "reason": "idle"}], LiveEnded, "idle"),
        ([STARTED], Unreachable, "unreachable"),
        ([STARTED, "no json"], ServiceFailed, "unexpected_answer"),
        ([STARTED, {"type": "news"}], ServiceFailed, "unexpected_answer"),
        ([UPDATE], ServiceFailed, "unexpected_answer"),
        (["[]"], ServiceFailed, "unexpected_answer"),
    ],
)  # fmt: skip
def test_every_bad_end_has_its_error(said: list[Any], kind: type[FacePulseError], code: str) -> None:
    with talking(*said) as (url, _), pytest.raises(kind) as error:
        collect(url, FRAMES)
    assert error.value.code == code


def test_a_full_service_is_asked_again_before_frames_are_lost() -> None:
    asked: list[int] = []

    def talk(socket: ServerConnection) -> None:
        asked.append(1)
        if len(asked) < 3:
            socket.send(json.dumps({"type": "error", "problem": PROBLEM}))
            return
        socket.send(json.dumps(STARTED))
        while isinstance(socket.recv(), bytes) or len(asked) < 4:
            asked.append(1)
        socket.send(json.dumps(UPDATE))
        socket.send(json.dumps(BYE))

    with listening(talk) as url:
        assert len(collect(url, FRAMES, attempts=3)) == 1


def test_a_refused_handshake_is_a_typed_error() -> None:
    body = json.dumps({"code": "unauthorized", "detail": "No key.", "request_id": "ab"}).encode()
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})

    def refuse(socket: ServerConnection, request: Request) -> Response:
        return Response(401, "Unauthorized", headers, body)

    with listening(lambda socket: None, process_request=refuse) as url, pytest.raises(AccessDenied) as error:
        collect(url, FRAMES)
    assert error.value.code == "unauthorized"


def test_nobody_there_is_unreachable() -> None:
    with listening(lambda socket: None) as url:
        pass
    with pytest.raises(Unreachable):
        collect(url, FRAMES)


@pytest.mark.parametrize(
    ("url", "socket_url"),
    [("http://host:8000", "ws://host:8000/v1/stream"), ("https://host/below/", "wss://host/below/v1/stream")],
)
def test_the_stream_lies_beside_the_rest(url: str, socket_url: str) -> None:
    assert LiveAddress(url, None, 1.0, is_local=False).socket_url == socket_url


def test_an_update_has_the_fields_of_the_service() -> None:
    assert set(Update.model_fields) - {"type"} == set(LiveUpdate.__dataclass_fields__)
    assert read_update(json.dumps(UPDATE)).samples.values == (0.1, None)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """The service as it is, with its models, and a key."""
    folder = tmp_path_factory.mktemp("real")
    key = new_key(folder / "keys", "anna")
    with running_server(
        folder, estimator=DEFAULT_ESTIMATOR, model_store=ROOT / "model_store", keys_file=folder / "keys"
    ) as server:
        yield server, key


def test_the_bundled_clip_live(real: tuple[Server, str]) -> None:
    """Twice as fast as it was filmed: what is dropped is told, and only a machine that drops most sees no pulse."""

    async def paced() -> AsyncIterator[tuple[float, bytes]]:
        for time_s, jpeg in file_frames(CLIP, realtime=False):
            await asyncio.sleep(0.016)
            yield time_s, jpeg

    updates = collect(real[0].url, paced(), api_key=real[1])
    last = updates[-1]
    assert last.final
    assert last.received == 450
    assert last.frames + last.dropped == 450
    assert last.status in ("ok", "low_quality") or last.dropped > 225


def test_without_the_key_nothing_is_measured(real: tuple[Server, str]) -> None:
    with pytest.raises(AccessDenied):
        collect(real[0].url, FRAMES)


def test_frames_that_are_none_are_refused(real: tuple[Server, str]) -> None:
    with pytest.raises(RequestRefused):
        collect(real[0].url, FRAMES, api_key=real[1])
