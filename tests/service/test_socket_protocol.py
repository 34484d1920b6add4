"""Bytes on real sockets that are no proper WebSocket, or one that nobody should have to put up with."""

import socket
import struct
import time

import psutil
import pytest

from tests.service.api.http import closed_by_server, exchange
from tests.service.server import Server, wait_until

KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
VERSION = "Sec-WebSocket-Version: 13"
FINAL, CONTINUED, BINARY, CLOSE, PING = 0x80, 0, 2, 8, 9


def opening(*lines: str, method: str = "GET", query: str = "") -> bytes:
    first = f"{method} /v1/stream{query} HTTP/1.1"
    return "\r\n".join([first, "Host: x", "Upgrade: websocket", "Connection: Upgrade", *lines, "", ""]).encode()


def frame(kind: int, body: bytes = b"") -> bytes:
    """Return a client's frame, masked with zeros; up to 125 bytes."""
    return struct.pack("!BB4x", kind, 0x80 | len(body)) + body


def opened(server: Server) -> socket.socket:
    sock = server.connect()
    sock.sendall(opening(KEY, VERSION))
    assert b"101 Switching Protocols" in sock.recv(4096)
    return sock


def send_for_ever(sock: socket.socket, data: bytes) -> None:
    while True:
        sock.sendall(data)


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (opening(VERSION), 400, "bad_request"),
        (opening(VERSION, "Sec-WebSocket-Key: secret!"), 400, "bad_request"),
        (opening(VERSION, KEY, KEY), 400, "bad_request"),
        (opening("Sec-WebSocket-Version: 8", KEY), 400, "bad_request"),
        (opening(VERSION, KEY, "Sec-WebSocket-Protocol: a secret!"), 400, "bad_request"),
        (opening(VERSION, KEY, "Content-Length: 5"), 400, "bad_request"),
        (opening(VERSION, KEY, "Transfer-Encoding: chunked"), 400, "bad_request"),
        (opening(VERSION, KEY, method="POST"), 405, "method_not_allowed"),
        (opening(VERSION, KEY, "X: " + "secret!" * 2000), 431, "header_too_large"),
        (opening(VERSION, KEY, *[f"X-{number}: secret!" for number in range(200)]), 431, "header_too_large"),
        (opening(VERSION, KEY, query="?" + "secret!" * 2000), 431, "header_too_large"),
    ],
)
def test_an_opening_that_is_none_is_refused_and_hung_up(
    server: Server, request_bytes: bytes, status: int, code: str
) -> None:
    with server.connect() as sock:
        answer = exchange(sock, request_bytes)
        assert (answer.status, answer.problem()) == (status, code)
        assert b"secret!" not in answer.body
        assert closed_by_server(sock)


@pytest.mark.parametrize("tiny", [frame(CONTINUED, b"a"), frame(PING), frame(FINAL | PING, b"a")])
def test_a_flood_of_tiny_frames_is_hung_up_on(server: Server, tiny: bytes) -> None:
    with opened(server) as sock:
        sock.sendall(frame(BINARY, b"a"))
        with pytest.raises(ConnectionError):
            send_for_ever(sock, tiny * 2000)
    with server.client() as client:
        assert client.get("/livez").status_code == 200


def test_the_reason_for_hanging_up_is_told(server: Server) -> None:
    with opened(server) as sock:
        sock.sendall(frame(BINARY, b"a") + frame(CONTINUED, b"a") * 1000)
        assert sock.recv(4096)[:4] == struct.pack("!BBH", FINAL | CLOSE, 2 + len("too many small frames"), 1008)
        assert closed_by_server(sock)


def test_a_frame_in_parts_is_one_message(server: Server) -> None:
    with opened(server) as sock:
        sock.sendall(frame(1, b'{"type":') + frame(CONTINUED, b'"start"') + frame(FINAL, b"}"))
        assert b"started" in sock.recv(4096)


def test_pings_whose_answers_nobody_reads_cost_no_memory(server: Server) -> None:
    memory = psutil.Process(server.process.pid).memory_info
    before = memory().rss
    pings = frame(FINAL | PING, b"p" * 125) * 500
    with opened(server) as sock:
        sock.settimeout(0.3)
        with pytest.raises((TimeoutError, ConnectionError)):  # it stops to listen, and hangs up in the end
            send_for_ever(sock, pings)
        assert memory().rss - before < 20_000_000


def test_nonsense_right_behind_the_opening(server: Server) -> None:
    for _ in range(5):
        with server.connect() as sock:
            sock.sendall(opening(KEY, VERSION))
            time.sleep(0.005)  # else it comes with the opening, and is not looked at
            sock.sendall(b"\xff" * 100)
            assert closed_by_server(sock)
    errors = [line for line in server.log() if line["level"] == "ERROR" and "ebsocket" in str(line)]
    assert errors == []


def test_bytes_that_are_no_text_are_no_error_of_ours(server: Server) -> None:
    with opened(server) as sock:
        sock.sendall(frame(FINAL | 1, b"\xff\xfe"))
        assert sock.recv(4096) == struct.pack("!BBH", FINAL | CLOSE, 2, 1007)
    wait_until(lambda: server.log()[-1].get("route") == "/v1/stream")
    assert "UnicodeDecodeError" not in server.log_text()
