"""The metrics' own port; what is told on it is tested in api/test_metrics.py."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from service.main import create_app
from service.settings import Settings
from tests.service.server import running_server, wait_until


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_metrics_can_have_a_port_of_their_own(tmp_path: Path, port: int) -> None:
    with running_server(tmp_path, wait_for_workers=False, metrics_port=port) as server:
        with server.client() as client:
            assert client.get("/metrics").status_code == 404
            assert "/metrics" not in client.get("/openapi.json").json()["paths"]
        own = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Via": "a proxy"}, trust_env=False)
        other = httpx.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False)
        assert own.status_code == 200
        assert "facepulse_workers" in own.text
        assert (other.status_code, other.json()["code"]) == (404, "not_found")
        server.process.terminate()
        assert server.process.wait(20) == 0
    assert wait_until(lambda: [line["port"] for line in server.log() if line["message"].startswith("metrics")]) == [
        port
    ]


def test_a_port_that_is_taken_is_no_start(tmp_path: Path) -> None:
    async def start(settings: Settings) -> None:
        app = create_app(settings, estimator="tests.service.standin:StandIn")
        async with app.router.lifespan_context(app):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(data_dir=tmp_path / "data", metrics_port=taken.getsockname()[1], workers=1)
        with pytest.raises(OSError, match="in use"):
            asyncio.run(start(settings))
