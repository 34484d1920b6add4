"""WS /v1/stream with a stand-in in the worker: how sessions begin, what they may cost, how they end."""

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from service.api.mailbox import PLACES
from tests.service.api import live_standin
from tests.service.api.live_sessions import frame, hear, hear_out, problem, session
from tests.service.api.live_standin import BIG, DIE, QUIET, RAISE, REFUSE, SLOW
from tests.service.server import Server, running_server, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker with a stand-in, short of patience."""
    with running_server(
        tmp_path_factory.mktemp("live"),
        estimator=live_standin.SPEC,
        workers=1,
        queue_wait_s=0.3,
        live_idle_s=2.5,
        live_max_s=6.0,
        live_max_image_mb=1.0,
        live_max_width=640,
        stall_timeout_s=1.0,
    ) as server:
        yield server


def test_a_session_begins_measures_and_ends(server: Server) -> None:
    with session(server) as client:
        assert client.subprotocol == "facepulse.v1"
        client.send('{"type": "start", "model": "student"}')
        started = hear(client)
        assert started["type"] == "started"
        client.send(frame())
        update = hear(client)
        assert (update["type"], update["frames"], update["received"], update["dropped"]) == ("update", 1, 1, 0)
        client.send('{"type": "stop"}')
        heard, close_code = hear_out(client)
    assert [said["type"] for said in heard] == ["update", "bye"]
    assert heard[0]["final"]
    assert heard[1]["reason"] == "done"
    assert close_code == 1000
    lines = [line for line in server.log() if line.get("route") == "/v1/stream"]
    assert started["request_id"] in [line["request_id"] for line in lines]


def test_a_frame_may_come_first(server: Server) -> None:
    with session(server) as client:
        client.send(frame())
        assert [hear(client)["type"] for _ in range(2)] == ["started", "update"]


def test_the_face_s_place_and_the_limits_reach_the_worker(server: Server) -> None:
    with session(server, start={"box": [10, 20, 110, 140]}) as client:
        client.send(frame())
        update = hear(client)
    assert update["face"]["box"] == {"x0": 10, "y0": 20, "x1": 110, "y1": 140}
    assert update["fps"] == 640


@pytest.mark.parametrize(
    "first",
    [
        "nonsense",
        "{}{",
        '{"type": "stop"}',
        '{"type": "start", "model": "../x"}',
        '{"type": "start", "box": [1, 2, 3]}',
        '{"type": "start", "box": [0, 0, NaN, 3]}',
        '{"type": "start", "box": [0, 0, 1e999, 3]}',
        "[" * 100_000,
        b"",
    ],
)
def test_a_first_message_that_is_none_is_refused(server: Server, first: str | bytes) -> None:
    with session(server) as client:
        client.send(first)
        assert problem(client) == ("message_invalid", 1008)


def test_a_second_start_is_refused(server: Server) -> None:
    with session(server, start={}) as client:
        client.send('{"type": "start"}')
        assert problem(client) == ("message_invalid", 1008)


def test_an_unknown_model_is_refused(server: Server) -> None:
    with session(server) as client:
        client.send('{"type": "start", "model": "oracle"}')
        assert problem(client) == ("unknown_model", 1008)


def test_more_sessions_than_there_may_be_are_refused(server: Server) -> None:
    with session(server, start={}), session(server) as second:
        second.send('{"type": "start"}')
        assert problem(second) == ("too_many_sessions", 1013)
    with session(server, start={}):
        pass


def test_many_who_connect_and_say_nothing_are_refused(tmp_path: Path) -> None:
    with running_server(tmp_path, estimator=live_standin.SPEC, live_idle_s=60) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(64):
                stack.enter_context(session(server))
            with pytest.raises(InvalidStatus) as refused, session(server):
                pass
            assert refused.value.response.status_code == 503
            assert json.loads(refused.value.response.body or b"")["code"] == "too_many_sessions"
        with session(server, start={}):
            pass


def test_others_are_told_that_all_workers_are_busy(server: Server) -> None:
    with session(server, start={}) as client:
        answer = server.measure()
        client.send(frame(QUIET))
        assert answer.status_code == 503
        assert answer.json()["code"] == "queue_full"
        with server.client() as other:
            assert "facepulse_live_sessions 1.0" in other.get("/metrics").text
            assert other.get("/readyz").status_code == 200
    assert server.measure().status_code == 200


def test_who_sends_nothing_is_let_go(server: Server) -> None:
    with session(server, start={}) as client:
        heard, close_code = hear_out(client)
    assert heard == [{"type": "bye", "reason": "idle"}]
    assert close_code == 1000
    with session(server) as client:
        assert hear_out(client)[0] == [{"type": "bye", "reason": "idle"}]


def test_a_session_does_not_last_for_ever(server: Server) -> None:
    since = time.monotonic()
    with session(server, start={}) as client, contextlib.suppress(ConnectionClosed):
        while time.monotonic() < since + 20:
            client.send(frame(QUIET))
            time.sleep(0.1)
    heard, close_code = hear_out(client)
    assert heard[-1] == {"type": "bye", "reason": "session_too_long"}
    assert close_code == 1000


def test_a_flood_is_dropped_and_told_and_costs_no_memory(server: Server) -> None:
    process = psutil.Process(server.process.pid)
    with session(server, start={}) as client:
        before = process.memory_info().rss
        for number in range(1000):
            client.send(frame(SLOW, time_s=number / 30, size=60_000))
        client.send('{"type": "stop"}')
        last = hear_out(client)[0][-2]
        grown = process.memory_info().rss - before
    assert last["received"] == 1000
    assert last["dropped"] + last["frames"] == 1000
    assert last["dropped"] > 0
    assert "frames_dropped" in [warned["code"] for warned in last["warnings"]]
    assert grown < 1000 * 60_000 / 2


def test_a_burst_is_kept(server: Server) -> None:
    with session(server, start={}) as client:
        for _ in range(PLACES):
            client.send(frame(SLOW))
        client.send('{"type": "stop"}')
        assert hear_out(client)[0][0]["frames"] == PLACES


def test_a_message_that_is_too_large_ends_the_session(server: Server) -> None:
    with session(server, start={}) as client:
        with contextlib.suppress(ConnectionClosed):
            client.send(frame(size=1_100_000))
        assert hear_out(client)[1] == 1009
    with session(server, start={}):
        pass


def test_a_worker_s_named_error_ends_the_session_and_nothing_else(server: Server) -> None:
    workers = {worker.pid for worker in server.workers()}
    with session(server, start={}) as client:
        client.send(frame(REFUSE))
        assert problem(client) == ("timestamps_invalid", 1008)
    with session(server, start={}):
        assert {worker.pid for worker in server.workers()} == workers


@pytest.mark.parametrize(("word", "code", "close_code"), [(DIE, "worker_died", 1013), (RAISE, "internal_error", 1011)])
def test_a_worker_that_ends_is_replaced(server: Server, word: bytes, code: str, close_code: int) -> None:
    with session(server, start={}) as client:
        client.send(frame(word))
        assert problem(client) == (code, close_code)
    wait_until(lambda: server.measure().status_code == 200, 30)
    with session(server, start={}) as client:
        client.send(frame())
        assert hear(client)["frames"] == 1
    assert "secret" not in server.log_text()


def test_who_does_not_read_is_cut_off(server: Server) -> None:
    key = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    body = frame(BIG)
    masked = b"\x82" + bytes([0x80 | len(body)]) + bytes(4) + body
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(key + 2 * masked)

        def is_over() -> bool:
            with session(server) as client:
                client.send('{"type": "start"}')
                return bool(hear(client)["type"] == "started")

        wait_until(is_over, 30)
        assert sock.recv(12) == b"HTTP/1.1 101"


def test_who_is_gone_frees_the_worker(server: Server) -> None:
    with session(server, start={}) as client:
        client.send(frame())
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    wait_until(lambda: server.measure().status_code == 200)


def test_the_end_of_the_service_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path, estimator=live_standin.SPEC) as server, session(server, start={}) as client:
        server.process.terminate()
        assert hear_out(client) == ([{"type": "bye", "reason": "stopping"}], 1012)
        assert server.process.wait(20) == 0


def test_plain_http_finds_nothing_there(server: Server) -> None:
    with server.client() as client:
        assert client.get("/v1/stream").status_code == 404


def test_a_page_elsewhere_is_refused(server: Server) -> None:
    elsewhere = {"Origin": "http://evil.test"}
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{server.port}/v1/stream", additional_headers=elsewhere, proxy=None)


def test_addresses_with_secrets_are_not_logged(server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/v1/stream?secret=1", proxy=None):
        pass
    assert "secret" not in server.log_text()
