"""A small app with a WebSocket behind the service's own guards, on a real server in a thread; and clients of it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from service.api import errors
from service.api.guards import add_guards
from service.api.metrics import Metrics
from service.api.problems import RequestRefused
from service.settings import Settings
from tests.service.server import wait_until

REFUSED_BEFORE, REFUSED_AFTER, BROKEN = "refused before", "refused after", "broken"


def _app(settings: Settings, metrics: Metrics) -> FastAPI:
    app = FastAPI()

    @app.websocket("/v1/echo/{name}")
    async def echo(websocket: WebSocket, name: str) -> None:
        if name == REFUSED_BEFORE:
            raise RequestRefused("too_many_uploads")
        await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
        if name == REFUSED_AFTER:
            raise RequestRefused("empty_file")
        if name == BROKEN:
            raise ValueError("secret")
        while True:
            await websocket.send_text(str(len(await websocket.receive_bytes())))

    errors.register(app)
    add_guards(app, settings, metrics, None)
    return app


class EchoServer:
    """The server; `metrics` is what it counts with."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        app = _app(settings, self.metrics)
        config = uvicorn.Config(app, ws="websockets-sansio", http="h11", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        wait_until(lambda: self._server.started)

    def connect(
        self, name: str = "x", headers: dict[str, str] | None = None, subprotocols: list[Subprotocol] | None = None
    ) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.port}/v1/echo/{name.replace(' ', '%20')}?secret=1"
        return connect(address, additional_headers=headers, subprotocols=subprotocols, proxy=None)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@contextlib.contextmanager
def echo_server(keys_file: Path | None = None, origins: tuple[str, ...] = ()) -> Iterator[EchoServer]:
    server = EchoServer(Settings(keys_file=keys_file, cors_origins=origins))
    try:
        yield server
    finally:
        server.stop()


def refusal(error: InvalidStatus) -> tuple[int, bytes, str]:
    """Return a refused handshake's status, body and content type."""
    return error.response.status_code, bytes(error.response.body or b""), error.response.headers["Content-Type"]
