"""What surrounds a request: ids, log lines, headers, slow bodies, clients that go away."""

import asyncio
import socket
import time
from contextlib import suppress

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.api.exchanges import BodyPatience
from service.api.middleware import RequestGuard
from tests.service.api.http import (
    CHUNKED,
    GOOD_FORM,
    closed_by_server,
    exchange,
    form,
    head,
    part,
    read_answer,
)
from tests.service.server import VIDEO, Server, wait_until


def test_a_well_formed_request_id_is_kept(server: Server) -> None:
    with server.client() as client:
        response = client.get("/livez", headers={"X-Request-Id": "abc-123.DEF_4"})
    assert response.headers["x-request-id"] == "abc-123.DEF_4"


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "with space", 'quote"quote', "new\\nline"])
def test_others_are_replaced(server: Server, given: str) -> None:
    with server.client() as client:
        made = client.get("/livez", headers={"X-Request-Id": given}).headers["x-request-id"]
    assert made != given
    assert len(made) == 32


def test_safety_headers(server: Server) -> None:
    headers = server.measure().headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_a_request_is_one_line_of_the_log_without_anything_private(server: Server) -> None:
    with server.client() as client:
        response = client.post(
            "/v1/heart-rate?start_s=1.25", files={"file": ("grandmother.mp4", VIDEO)}, data={"model": "pos"}
        )
    identity = response.headers["x-request-id"]
    lines = wait_until(lambda: [line for line in server.log() if line.get("request_id") == identity])
    assert len(lines) == 1
    line = lines[0]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/heart-rate", 200)
    assert line["bytes_in"] > len(VIDEO)
    assert line["bytes_out"] == len(response.content)
    assert line["duration_ms"] > 0
    for private in ("grandmother", "1.25", "bpm", "72", "VIDEO"):
        assert private not in str({k: v for k, v in line.items() if k in ("message", "route", "method")})
    assert "grandmother" not in server.log_text()
    assert "bpm" not in server.log_text()


def test_an_unexpected_error_is_told_and_logged_without_its_message(server: Server) -> None:
    response = server.measure(model="raise")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    wait_until(lambda: "KeyError at standin.py" in server.log_text())
    assert "secret" not in server.log_text()


def test_a_body_that_stalls_gets_408_while_others_are_served(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=len(GOOD_FORM)) + GOOD_FORM[:5000])
        since = time.monotonic()
        assert server.measure().status_code == 200
        answer = read_answer(sock)
        assert (answer.status, answer.problem()) == (408, "request_timeout")
        assert time.monotonic() - since < 4
        assert closed_by_server(sock)
    assert server.uploads() == []


def test_a_body_of_a_few_bytes_a_second_gets_408(server: Server) -> None:
    since = time.monotonic()
    with server.connect() as sock:
        sock.sendall(head(length=len(GOOD_FORM)))
        sock.settimeout(0.1)
        for byte in GOOD_FORM[:100]:
            sock.sendall(bytes([byte]))
            try:
                answer = read_answer(sock)
                break
            except TimeoutError:
                continue
    assert answer.problem() == "request_timeout"
    assert time.monotonic() - since < 4


def test_a_length_that_promises_too_much_gets_408(server: Server) -> None:
    with server.connect() as sock:
        assert exchange(sock, head(length=len(GOOD_FORM) + 10) + GOOD_FORM).problem() == "request_timeout"


def test_a_length_that_promises_too_little(server: Server) -> None:
    with server.connect() as sock:
        assert exchange(sock, head(length=len(GOOD_FORM) - 10) + GOOD_FORM).problem() == "multipart_invalid"


@pytest.mark.parametrize("start", [b"", GOOD_FORM[:300], GOOD_FORM[:9000]])
def test_a_client_that_goes_away_while_it_sends(server: Server, start: bytes) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=len(GOOD_FORM)) + start)
        time.sleep(0.1)
    wait_until(lambda: server.uploads() == [])
    assert server.measure().status_code == 200


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_client_that_goes_away_while_its_video_is_worked_on(server: Server, abruptly: bool) -> None:
    before = {worker.pid for worker in wait_until(lambda: len(server.workers()) == 2 and server.workers())}
    body = form(part("file", VIDEO), part("model", b"sleep_long"))
    sock = server.connect()
    sock.sendall(head(length=len(body)) + body)
    wait_until(lambda: len(server.uploads()) == 1)
    if abruptly:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()
    wait_until(lambda: server.uploads() == [])
    wait_until(lambda: len(before & {worker.pid for worker in server.workers()}) == 1)
    wait_until(lambda: any(line.get("status") == 499 for line in server.log()))


def test_a_refused_upload_is_told_before_the_connection_closes(server: Server) -> None:
    big = bytes(3_000_000)
    with server.connect() as sock:
        sock.sendall(head(length=len(big), content_type="text/plain"))
        sock.sendall(big)
        assert read_answer(sock).problem() == "unsupported_media_type"


def test_chunks_without_end_are_not_read_for_ever(server: Server) -> None:
    piece = b"%x\r\n%s\r\n" % (100_000, bytes(100_000))
    with server.connect() as sock:
        sock.sendall(head(length=None, content_type="text/plain", extra=CHUNKED))
        sent = 0
        with suppress(ConnectionError):
            while sent < 100_000_000:
                sent += sock.send(piece)
    assert sent < 90_000_000


def test_an_error_of_the_service_itself_is_a_problem_and_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("secret")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(RequestGuard(broken, BodyPatience()))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/")

    response = asyncio.run(ask())
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text + caplog.text
    assert "ValueError at" in vars(caplog.records[0])["where"]
