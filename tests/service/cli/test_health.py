"""`facepulse health` beside a service that is ready, one that is not, and none."""

import socket
from pathlib import Path

import pytest

from service.cli.codes import OK, UNUSABLE
from service.cli.command import main
from tests.service.server import running_server


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_HOST", "0.0.0.0")


def test_a_ready_service_is_healthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server(tmp_path) as server:
        monkeypatch.setenv("FACEPULSE_PORT", str(server.port))
        assert main(["health"]) == OK
    assert capsys.readouterr().out == "ok\n"


def test_a_service_without_a_worker_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server(
        tmp_path, estimator="tests.service.standin:nothing_of_this_name", wait_for_workers=False
    ) as server:
        monkeypatch.setenv("FACEPULSE_PORT", str(server.port))
        assert main(["health"]) == UNUSABLE
    assert capsys.readouterr().out == "starting\n"


def test_nothing_there_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("FACEPULSE_PORT", str(port))
    assert main(["health"]) == UNUSABLE
    assert "unreachable" in capsys.readouterr().err
