"""HAProxy with the configuration that is shipped, before two replicas on this machine."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.service.server import ROOT, wait_until

HAPROXY = shutil.which("haproxy")
CONFIGURATION = ROOT / "docker" / "haproxy.cfg"
NEEDS_HAPROXY = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed; `make replicas-test` gets it")


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def open_files(self) -> list[Path]:
        """Return the regular files that it has open."""
        return [Path(file.path) for file in self.process.open_files()]

    def connections(self) -> list[int]:
        """Return the ports of its established connections: its own of callers, others of its own to replicas."""
        links = self.process.net_connections("tcp")
        return [link.laddr.port for link in links if link.status == psutil.CONN_ESTABLISHED]


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


@contextlib.contextmanager
def running_proxy(folder: Path, replicas: Sequence[int]) -> Iterator[Proxy]:
    """Run the proxy before replicas on two ports; what it says is folder/proxy.log."""
    assert HAPROXY is not None, "a test that needs it is skipped without"
    (port,) = free_ports(1)
    addresses = {f"FACEPULSE_{name}": f"127.0.0.1:{at}" for name, at in zip("AB", replicas, strict=True)}
    environment = os.environ | addresses | {"FACEPULSE_PROXY": f"127.0.0.1:{port}"}
    log = folder / "proxy.log"
    with log.open("wb") as said:
        process = subprocess.Popen([HAPROXY, "-db", "-f", CONFIGURATION], env=environment, stderr=said, cwd=folder)
    try:
        wait_until(lambda: _listens(port), 20)
        yield Proxy(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
