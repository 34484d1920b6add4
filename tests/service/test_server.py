"""How the service ends, and how it takes new models: a real process, real signals, requests under way."""

import json
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from service.server import BACKLOG, room_for
from tests.service.server import VIDEO, Server, running_server, wait_until
from tests.service.stores import activate, write_version


def terminate(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)


def begin(threads: Executor, server: Server, model: str) -> "Future[httpx.Response]":
    """Send a video and wait until the service has it."""
    there = len(server.uploads())
    answer = threads.submit(server.measure, model=model)
    wait_until(lambda: len(server.uploads()) > there)
    return answer


def readiness(server: Server) -> str:
    with server.client() as client:
        return str(client.get("/readyz").json()["status"])


def test_at_the_end_who_is_in_may_finish_and_who_comes_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, ThreadPoolExecutor() as threads:
        answers = [begin(threads, server, "sleep_longer") for _ in range(2)]  # one works, one waits
        terminate(server)
        wait_until(lambda: readiness(server) == "stopping")
        with server.client() as client:
            ready = client.get("/readyz")
            assert (ready.status_code, "retry-after" in ready.headers) == (503, True)
            assert client.get("/livez").json()["status"] == "ok"
        refused = server.measure()
        assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["connection"] == "close"
        assert [answer.result().status_code for answer in answers] == [200, 200]
        assert server.process.wait(20) == 0
        assert server.left_behind() == []
        assert not [line for line in server.log() if line["level"] == "ERROR"]


def test_with_nothing_to_do_it_ends_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=60) as server:
        terminate(server)
        assert server.process.wait(20) == 0


def test_a_load_balancer_is_given_time_to_notice(tmp_path: Path) -> None:
    with running_server(tmp_path, drain_s=600) as server:
        terminate(server)
        wait_until(lambda: readiness(server) == "stopping")
        assert server.measure().status_code == 200
        terminate(server)  # a second signal ends it now
        assert server.process.wait(20) == 0
        assert server.left_behind() == []


def test_once_the_time_to_notice_is_over_it_ends(tmp_path: Path) -> None:
    with running_server(tmp_path, drain_s=1, shutdown_s=60) as server, ThreadPoolExecutor() as threads:
        answer = begin(threads, server, "sleep_longer")
        terminate(server)
        assert answer.result().status_code == 200
        assert server.process.wait(20) == 0


def test_a_second_signal_ends_it_now(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=60) as server, ThreadPoolExecutor() as threads:
        begin(threads, server, "sleep_long")
        terminate(server)
        wait_until(lambda: readiness(server) == "stopping")
        terminate(server)
        assert server.process.wait(20) == 0
        assert server.left_behind() == []


def test_what_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=1) as server, ThreadPoolExecutor() as threads:
        begin(threads, server, "sleep_long")
        workers = server.workers()
        terminate(server)
        assert server.process.wait(20) == 0
        wait_until(lambda: not any(worker.is_running() for worker in workers))
        assert server.left_behind() == []


def test_a_running_job_may_end_and_a_waiting_one_is_interrupted(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        with server.client() as client:
            running, waiting = (
                client.post("/v1/jobs", files={"file": VIDEO}, data={"model": "sleep_longer"}).headers["location"]
                for _ in range(2)
            )
            wait_until(lambda: client.get(running).json()["state"] == "running")
        terminate(server)
        assert server.process.wait(20) == 0
    with running_server(tmp_path, wait_for_workers=False) as server, server.client() as client:
        assert client.get(running).json()["state"] == "done"
        assert client.get(waiting).json()["problem"]["code"] == "interrupted"


def test_a_live_session_is_told_and_closed(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=60) as server:
        with connect(f"ws://127.0.0.1:{server.port}/v1/stream") as live:
            live.send('{"type": "start"}')
            assert json.loads(live.recv(20))["type"] == "started"
            terminate(server)
            assert json.loads(live.recv(20))["reason"] == "stopping"
            with pytest.raises(ConnectionClosedError, match="1012"):
                live.recv(20)
        assert server.process.wait(20) == 0


def test_under_load_every_request_gets_an_answer(tmp_path: Path) -> None:
    statuses: Counter[str] = Counter()

    def ask_until_nobody_listens(server: Server) -> None:
        while True:
            try:
                answer = server.measure()
            except httpx.ConnectError:
                return
            except (httpx.RemoteProtocolError, httpx.ReadError):
                statuses["lost"] += 1
                return
            statuses[answer.json().get("code", "measured")] += 1

    with running_server(tmp_path, workers=2) as server:
        asking = [threading.Thread(target=ask_until_nobody_listens, args=(server,)) for _ in range(4)]
        for thread in asking:
            thread.start()
        wait_until(lambda: statuses["measured"] > 20, 60)
        terminate(server)
        assert server.process.wait(30) == 0
        for thread in asking:
            thread.join()
    assert set(statuses) <= {"measured", "stopping", "lost"}
    assert statuses["lost"] <= 2  # one that came in the very moment when the door was shut


def store_with_version_one(folder: Path) -> Path:
    store = folder / "store"
    write_version(store, "1.0.0")
    activate(store, "1.0.0")
    return store


def served(server: Server) -> str | None:
    with server.client() as client:
        version: str | None = client.get("/v1/models/student").json().get("version")
        return version


def test_new_models_are_served_after_a_hangup(tmp_path: Path) -> None:
    store = store_with_version_one(tmp_path)
    with running_server(tmp_path, workers=2) as server:
        assert served(server) == "1.0.0"
        write_version(store, "1.1.0")
        activate(store, "1.1.0")
        assert served(server) == "1.0.0", "only a signal makes it look"
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: served(server) == "1.1.0", 30)
        assert server.measure().status_code == 200


def test_bad_new_models_are_refused_and_the_old_ones_serve_on(tmp_path: Path) -> None:
    store = store_with_version_one(tmp_path)
    with running_server(tmp_path) as server:
        workers = {worker.pid for worker in server.workers()}
        write_version(store, "1.1.0", corrupt=True)
        activate(store, "1.1.0")
        server.process.send_signal(signal.SIGHUP)
        line = wait_until(lambda: [line for line in server.log() if "refused" in line["message"]], 30)[0]
        assert line["why"] == "model_corrupt: model.onnx of student-1.1.0 is missing or differs from its manifest"
        assert served(server) == "1.0.0"
        assert readiness(server) == "ok"
        assert {worker.pid for worker in server.workers()} == workers
        server.workers()[0].kill()
        wait_until(lambda: workers.isdisjoint(worker.pid for worker in server.workers()) and server.workers(), 30)
        wait_until(lambda: server.measure().status_code == 200, 30)
        assert served(server) == "1.0.0", "a worker put in place later does not take up what was refused"


def test_a_hangup_before_it_listens_does_not_kill_it(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "slow").touch()
    with running_server(tmp_path, wait_for_workers=False) as server:
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert server.process.poll() is None


@pytest.fixture
def few_files() -> Iterator[int]:
    """Let this process open few files for a moment; return how many it may be allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (BACKLOG + 100, hard))
    yield hard if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("wanted", [10, 200, 100_000])
def test_there_are_files_for_all_connections(few_files: int, wanted: int) -> None:
    connections = room_for(wanted, 50)
    assert 10 <= connections <= wanted
    assert BACKLOG + 50 + connections <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= few_files
