"""WebSockets as the guard sees them; requests are tested in test_middleware.py."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from service.keys import new_key
from tests.service.api.sockets import BROKEN, REFUSED_AFTER, REFUSED_BEFORE, EchoServer, echo_server, refusal
from tests.service.server import wait_until


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    with echo_server() as server:
        yield server


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys"


@pytest.fixture(scope="module")
def key(key_file: Path) -> str:
    return new_key(key_file, "lab")


@pytest.fixture(scope="module")
def guarded(key_file: Path, key: str) -> Iterator[EchoServer]:
    assert key
    with echo_server(key_file, origins=("https://friend.example",)) as server:
        yield server


def line_of(caplog: pytest.LogCaptureFixture, identity: str) -> dict[str, object]:
    def lines() -> list[dict[str, object]]:
        records = [vars(record) for record in caplog.records if record.name == "facepulse.requests"]
        return [record for record in records if record["request_id"] == identity and record["message"] == "request"]

    found = wait_until(lines)
    assert len(found) == 1
    line: dict[str, object] = found[0]
    return line


def test_it_is_one_line_of_the_log_without_anything_private(echo: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with echo.connect(headers={"X-Request-Id": "test-0001"}) as websocket:
        assert websocket.response is not None
        assert websocket.response.headers["x-request-id"] == "test-0001"
        websocket.send(bytes(1000))
        websocket.send(bytes(500))
        assert (websocket.recv(), websocket.recv()) == ("1000", "500")
    line = line_of(caplog, "test-0001")
    told = {name: line[name] for name in ("method", "route", "status", "close_code", "messages_in", "messages_out")}
    assert told == {
        "method": "WS",
        "route": "/v1/echo/{name}",
        "status": 101,
        "close_code": 1000,
        "messages_in": 2,
        "messages_out": 2,
    }
    assert (line["bytes_in"], line["bytes_out"]) == (1500, 7)


def test_a_client_that_vanishes(echo: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    websocket = echo.connect(headers={"X-Request-Id": "test-0002"})
    websocket.socket.close()
    line = line_of(caplog, "test-0002")
    assert line["status"] == 101
    assert line["close_code"] in (1005, 1006)


def test_a_refusal_before_it_is_open_is_a_problem(echo: EchoServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        echo.connect(REFUSED_BEFORE)
    status, body, kind = refusal(refused.value)
    problem = json.loads(body)
    assert (status, problem["code"], kind) == (503, "too_many_uploads", "application/problem+json")
    assert problem["request_id"] == refused.value.response.headers["x-request-id"]
    assert refused.value.response.headers["retry-after"] == "5"
    assert refused.value.response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "code", "reason"), [(REFUSED_AFTER, 1008, "empty_file"), (BROKEN, 1011, "internal_error")]
)
def test_a_refusal_after_it_is_open_closes_it(
    echo: EchoServer, name: str, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with echo.connect(name, headers={"X-Request-Id": f"test-{reason}"}) as websocket:
        with pytest.raises(ConnectionClosed):
            list(websocket)
        assert (websocket.close_code, websocket.close_reason) == (code, reason)
    assert line_of(caplog, f"test-{reason}")["close_code"] == code
    assert "secret" not in " ".join(str(vars(record)) for record in caplog.records if "facepulse" in record.name)


def test_an_address_without_a_websocket_is_not_found(echo: EchoServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        echo.connect("../nowhere")
    status, body, _ = refusal(refused.value)
    assert (status, json.loads(body)["code"]) == (404, "not_found")


def test_without_a_key_it_is_not_opened(guarded: EchoServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        guarded.connect()
    status, body, _ = refusal(refused.value)
    assert (status, json.loads(body)["code"]) == (401, "unauthorized")
    assert refused.value.response.headers["www-authenticate"] == 'Bearer realm="facepulse"'


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_a_key_as_a_header(guarded: EchoServer, key: str, header: str) -> None:
    given = f"Bearer {key}" if header == "Authorization" else key
    with guarded.connect(headers={header: given}) as websocket:
        websocket.send(b"abc")
        assert websocket.recv() == "3"


def test_a_key_as_a_subprotocol_that_is_not_said_back(guarded: EchoServer, key: str) -> None:
    offered = [Subprotocol(f"facepulse.key.{key}"), Subprotocol("facepulse.v1")]
    with guarded.connect(subprotocols=offered) as websocket:
        assert websocket.subprotocol == "facepulse.v1"
        assert websocket.response is not None
        assert key not in str(websocket.response)


@pytest.mark.parametrize("origin", ["https://friend.example", "http://127.0.0.1:{port}"])
def test_its_own_page_and_named_ones_may_open_it(guarded: EchoServer, key: str, origin: str) -> None:
    headers = {"X-Api-Key": key, "Origin": origin.format(port=guarded.port)}
    with guarded.connect(headers=headers) as websocket:
        websocket.send(b"")
        assert websocket.recv() == "0"


@pytest.mark.parametrize(
    "origin", ["https://stranger.example", "null", "http://127.0.0.1", "https://friend.example:444", ""]
)
def test_pages_of_strangers_may_not(guarded: EchoServer, key: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        guarded.connect(headers={"X-Api-Key": key, "Origin": origin})
    status, body, _ = refusal(refused.value)
    assert (status, json.loads(body)["code"]) == (403, "origin_not_allowed")


def test_it_is_counted_by_its_route(echo: EchoServer) -> None:
    with echo.connect():
        pass
    series = b'facepulse_requests_total{method="WS",route="/v1/echo/{name}",status="101"}'
    wait_until(lambda: series in echo.metrics.text())


def test_plain_http_to_it_is_not_found(echo: EchoServer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{echo.port}/v1/echo/x", trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
