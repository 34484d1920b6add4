"""Bytes on real sockets: headers that do not end, answers that nobody reads, and what is no HTTP at all."""

import contextlib
import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.service.api.http import (
    CHUNKED,
    FORM,
    GOOD_FORM,
    closed_by_server,
    exchange,
    form,
    head,
    part,
    read_answer,
)
from tests.service.server import VIDEO, Server, running_server, wait_until

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


def connections(server: Server) -> int:
    """Count the server's open connections."""
    return sum(c.status == "ESTABLISHED" for c in psutil.Process(server.process.pid).net_connections("tcp"))


@pytest.mark.parametrize("start", [b"", b"G", GET])
def test_a_header_that_does_not_end(server: Server, start: bytes) -> None:
    with server.connect() as sock:
        sock.sendall(start)
        since = time.monotonic()
        assert closed_by_server(sock)
        assert 0.5 < time.monotonic() - since < 4


def test_a_header_that_trickles_while_others_are_served(server: Server) -> None:
    since = time.monotonic()
    with server.connect() as sock:
        sock.settimeout(0.2)
        sock.sendall(GET)
        while time.monotonic() - since < 10:
            try:
                sock.sendall(b"x")
                if sock.recv(1) == b"":
                    break
            except TimeoutError:
                assert server.measure().status_code == 200
            except ConnectionError:
                break
    assert time.monotonic() - since < 5


def test_a_second_header_that_does_not_end(server: Server) -> None:
    with server.connect() as sock:
        assert exchange(sock, GET + b"\r\n").status == 200
        sock.sendall(GET)
        assert closed_by_server(sock)


def test_a_slow_header_that_ends_in_time_is_served(server: Server) -> None:
    with server.connect() as sock:
        for byte in GET:
            sock.sendall(bytes([byte]))
            time.sleep(0.003)
        assert exchange(sock, b"\r\n").status == 200


def test_requests_one_after_the_other_and_all_at_once(server: Server) -> None:
    with server.connect() as sock:
        for _ in range(3):
            assert exchange(sock, head(length=len(GOOD_FORM)) + GOOD_FORM).status == 200
        sock.sendall((GET + b"\r\n") * 2)
        data = b""
        while data.count(b"HTTP/1.1 200") < 2:
            data += sock.recv(65536)


def slow_reader(server: Server, *, small_buffer: bool = True) -> socket.socket:
    """Ask for megabytes and be unable to take them."""
    sock = socket.socket()
    if small_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    body = form(part("file", VIDEO), part("model", b"large"), part("face", b"all"))
    sock.sendall(head(length=len(body)) + body)
    return sock


def test_a_reader_that_stalls_while_others_are_served(server: Server) -> None:
    with slow_reader(server):
        wait_until(lambda: connections(server) == 1)
        assert server.measure().status_code == 200
        wait_until(lambda: connections(server) == 0)


def test_a_reader_of_a_few_bytes_a_second(server: Server) -> None:
    end = time.monotonic() + 15
    with slow_reader(server) as sock:
        sock.settimeout(20)
        assert sock.recv(1)
        while connections(server):
            assert time.monotonic() < end
            sock.recv(5)
            time.sleep(0.2)


def test_a_reader_who_takes_his_time_but_reads_gets_all(server: Server) -> None:
    with slow_reader(server, small_buffer=False) as sock:
        sock.settimeout(20)
        time.sleep(0.5)
        assert read_answer(sock).status == 200


def test_a_reader_who_is_slow_but_steady_gets_all(server: Server) -> None:
    received = b""
    with slow_reader(server, small_buffer=False) as sock:
        while not received.endswith(b'"request_id":"test-0123"}'):
            chunk = sock.recv(100_000)
            assert chunk, "it was cut off"
            received += chunk
            time.sleep(0.04)


def test_garbage_after_an_answer_has_begun(server: Server) -> None:
    with server.connect() as sock:
        answer = exchange(sock, head(length=None, content_type="text/plain", extra=CHUNKED))
        assert answer.status == 415
        sock.sendall(b"zz\r\n")
        assert closed_by_server(sock)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        head(length=-5),
        head(length=5, extra=b"Content-Length: 6\r\n"),
        head(length=None, extra=b"Content-Length: abc\r\n"),
        head(length=None, extra=b"Transfer-Encoding: gzip\r\n"),
        head(length=None, extra=CHUNKED) + b"zz\r\n",
        head(length=5, extra=CHUNKED) + b"0\r\n\r\n",
    ],
    ids=["TLS", "one word", "no host", "bad header", "negative length", "two lengths", "no number", "odd encoding",
         "bad chunk", "length and chunks"],
)  # fmt: skip
def test_what_is_no_http(server: Server, garbage: bytes) -> None:
    with server.connect() as sock:
        answer = exchange(sock, garbage)
        assert answer.problem() in ("bad_request", "http_error")
        assert answer.status in (400, 501)
        assert closed_by_server(sock)


def test_a_header_of_40_mb(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(GET + b"X: ")
        try:
            for _ in range(40):
                sock.sendall(b"y" * 1_000_000)
        except ConnectionError:
            return
        pytest.fail("it was all taken")


def test_a_header_just_too_large_is_told_so(server: Server) -> None:
    with server.connect() as sock:
        answer = exchange(sock, GET + b"X: " + b"y" * 66_000)
    assert (answer.status, answer.problem()) == (431, "header_too_large")


def test_garbage_while_a_request_is_worked_on(server: Server) -> None:
    body = form(part("file", VIDEO), part("model", b"sleep_long"))
    with server.connect() as sock:
        sock.sendall(head(length=None, content_type=FORM, extra=CHUNKED) + b"%x\r\n" % len(body) + body + b"\r\nzz\r\n")
        answer = read_answer(sock)
        assert answer.problem() == "bad_request"
        assert closed_by_server(sock)
    wait_until(lambda: server.uploads() == [])


def test_idle_connections_give_way_to_new_ones(tmp_path: Path) -> None:
    with running_server(tmp_path, max_connections=16) as server, contextlib.ExitStack() as stack:
        upload = stack.enter_context(server.connect())
        upload.sendall(head(length=len(GOOD_FORM)))
        wait_until(server.uploads)
        idle = [stack.enter_context(server.connect()) for _ in range(60)]
        with server.client() as client:
            assert client.get("/readyz").status_code == 200
        assert closed_by_server(idle[0])
        assert connections(server) <= 16
        assert exchange(idle[-1], GET + b"\r\n").status == 200
        assert exchange(upload, GOOD_FORM).status == 200, "who is being served stays"
