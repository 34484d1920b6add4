"""Starts the real service in a process of its own, on a free port, for tests of everything that speaks HTTP."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from service.settings import PREFIX
from tests.service.standin import SPEC

ROOT = Path(__file__).parents[2]
VIDEO = b"VIDEO" + bytes(range(256)) * 40
_RUN = "import sys; from service.main import run; run(estimator=sys.argv[1])"


@dataclass(frozen=True)
class Server:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def log(self) -> list[dict[str, Any]]:
        """Return the log so far; every line is JSON."""
        return _log_lines(self.folder / "log")

    def log_text(self) -> str:
        return (self.folder / "log").read_text()

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes that live."""
        return [p for p in psutil.Process(self.process.pid).children() if p.status() != psutil.STATUS_ZOMBIE]

    def uploads(self) -> list[Path]:
        """Return the uploaded files that lie around."""
        return [path for path in self.data_dir.glob("uploads-*/*") if path.name != "lock"]

    def left_behind(self) -> list[str]:
        """Return what lies in the data folder beside the jobs' state, which outlives the service."""
        return [path.name for path in self.data_dir.iterdir() if path.name != "jobs.sqlite3"]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def measure(self, content: bytes = VIDEO, **options: str) -> httpx.Response:
        """Send a video with options as form fields."""
        with self.client() as client:
            return client.post("/v1/heart-rate", files={"file": ("me.mp4", content)}, data=options)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def _log_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_until(fact: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Wait for a fact to come true and return it."""
    end = time.monotonic() + timeout_s
    while not (result := fact()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return result


@contextlib.contextmanager
def running_server(
    folder: Path, *, estimator: str = SPEC, wait_for_workers: bool = True, **settings: object
) -> Iterator[Server]:
    """Run the service with settings by name; its log is folder/log, its data lie in folder/data.

    Without `model_store` among the settings it gets an empty one; without `estimator` the stand-in. The service's own
    warnings are errors too.
    """
    store = folder / "store"
    store.mkdir(exist_ok=True)
    if not (store / "active.json").exists():
        (store / "active.json").write_text('{"default": "student", "models": {}}')
    chosen = {"port": 0, "workers": 1, "model_store": store, "data_dir": folder / "data"} | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {PREFIX + name.upper(): str(value) for name, value in chosen.items()} | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-W", "error", "-c", _RUN, estimator]
        process = subprocess.Popen(command, env=environment, stderr=log, cwd=folder)
    try:
        port = wait_until(lambda: _port(process, folder / "log"), 30)
        server = Server(process, port, folder)
        if wait_for_workers:
            wait_until(lambda: _all_warm(server, int(str(chosen["workers"]))), 60)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()


def _port(process: subprocess.Popen[bytes], log: Path) -> int | None:
    assert process.poll() is None, log.read_text()
    for line in _log_lines(log):
        if line["message"].startswith("Uvicorn running on "):
            return int(line["message"].split()[3].rsplit(":", 1)[1])
    return None


def _all_warm(server: Server, workers: int) -> bool:
    with server.client() as client:
        return bool(client.get("/readyz").json()["workers"] == workers)
