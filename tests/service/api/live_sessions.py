"""What a client of WS /v1/stream says and hears."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.service.pipeline.live_clips import message
from tests.service.server import Server


@contextlib.contextmanager
def session(server: Server, *, start: dict[str, Any] | None = None) -> Iterator[ClientConnection]:
    """Open a session; with `start` that is sent and the answer to it read."""
    address = f"ws://127.0.0.1:{server.port}/v1/stream"
    with connect(address, subprotocols=["facepulse.v1"], proxy=None, max_size=None) as client:  # type: ignore[list-item]
        if start is not None:
            client.send(json.dumps({"type": "start"} | start))
            assert hear(client)["type"] == "started"
        yield client


def frame(word: bytes = b"x", *, time_s: float = 0.0, size: int = 0) -> bytes:
    return message(time_s, word + b" " * (size > 0) + bytes(size))


def hear(client: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.recv(timeout=30))
    return answer


def hear_out(client: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Return all that is still said, and the code with which the session is closed."""
    heard = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(hear(client))
    assert client.close_code is not None
    return heard, client.close_code


def problem(client: ClientConnection) -> tuple[str, int]:
    """Return the code of the problem that ends a session, and the code of its closing."""
    heard, close_code = hear_out(client)
    assert heard[-1]["type"] == "error", heard
    fields = heard[-1]["problem"]
    assert fields["type"] == f"/problems/{fields['code']}"
    assert client.close_reason == fields["code"]
    return fields["code"], close_code
