"""Two replicas behind the proxy that is shipped: what goes where, and who notices when one of them ends."""

import json
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from service.wire import DEFAULT_ESTIMATOR
from tests.docker.proxy import NEEDS_HAPROXY, Proxy, free_ports, running_proxy
from tests.service.api import live_standin
from tests.service.pipeline.live_clips import message
from tests.service.server import ROOT, VIDEO, Server, running_server, wait_until

pytestmark = [NEEDS_HAPROXY, pytest.mark.slow]
CLIP = ROOT / "demo" / "astronaut.mp4"
TRUE_BPM = 72.0
CALLERS = 4
DRAIN_S = 5


@dataclass(frozen=True)
class Replicas:
    """Replicas a and b and the proxy before them."""

    a: Server
    b: Server
    proxy: Proxy

    def measured_by(self, server: Server) -> int:
        """How many videos a replica was sent through the proxy."""
        return sum(line.get("route") == "/v1/heart-rate" for line in server.log())


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    with ExitStack() as stack:
        a, b = (start(stack, folder / name, name, estimator=live_standin.SPEC, max_upload_mb=8) for name in "ab")
        proxy = stack.enter_context(running_proxy(folder, [a.port, b.port]))
        yield Replicas(a, b, proxy)


def start(stack: ExitStack, folder: Path, name: str, **settings: object) -> Server:
    folder.mkdir(exist_ok=True)
    return stack.enter_context(running_server(folder, replica=name, **settings))  # type: ignore[arg-type]


def test_both_are_given_work(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        for _ in range(10):
            assert client.post("/v1/heart-rate", files={"file": VIDEO}).json()["bpm"] == 72.0
    assert replicas.measured_by(replicas.a) > 0
    assert replicas.measured_by(replicas.b) > 0


def test_no_connection_is_kept_that_a_replica_may_close_as_a_request_comes(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        wait_until(lambda: client.get("/livez").is_success and replicas.proxy.connections() == [replicas.proxy.port])


def test_a_job_is_found_wherever_it_is(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        jobs = [client.post("/v1/jobs", files={"file": VIDEO}).raise_for_status().json() for _ in range(8)]
        assert {job["id"][:2] for job in jobs} == {"a-", "b-"}
        for job in jobs:
            wait_until(lambda job=job: client.get(job["links"]["self"]).json()["state"] == "done")  # type: ignore[misc]
            assert client.delete(job["links"]["self"]).status_code == 204
            assert client.get(job["links"]["self"]).status_code == 404


def test_a_job_that_is_not_there_is_not_found(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        assert [client.get(f"/v1/jobs/{name}{32 * '0'}").status_code for name in ("a-", "b-", "c-", "")] == 4 * [404]


def test_the_same_request_is_the_same_job(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        for key in range(4):
            headers = {"Idempotency-Key": f"once-{key}"}
            answers = [client.post("/v1/jobs", files={"file": VIDEO}, headers=headers) for _ in range(3)]
            assert len({answer.json()["id"] for answer in answers}) == 1


def test_events_come_as_they_happen(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        job = client.post("/v1/jobs", files={"file": VIDEO}, data={"model": "sleep_longer"}).json()
        with client.stream("GET", job["links"]["events"]) as events:
            lines = (line for line in events.iter_lines() if line.startswith("event: "))
            assert next(lines) == "event: state"
            assert client.get(job["links"]["self"]).json()["state"] in ("queued", "running")  # it was not kept back
            assert list(lines)[-1] == "event: result"


def test_live_video_passes(replicas: Replicas) -> None:
    with connect(f"ws://127.0.0.1:{replicas.proxy.port}/v1/stream", proxy=None) as live:
        live.send('{"type": "start"}')
        assert json.loads(live.recv(20))["type"] == "started"
        live.send(message(0.0, b"x"))
        assert json.loads(live.recv(20))["type"] == "update"


def test_a_video_passes_through_and_never_lies_on_the_proxy(replicas: Replicas) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="me"\r\n\r\n' + 300 * VIDEO
    head = f"POST /v1/heart-rate HTTP/1.1\r\nHost: me\r\nContent-Length: {len(body) + 900}\r\n"
    with socket.create_connection(("127.0.0.1", replicas.proxy.port)) as caller:
        caller.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode() + body)
        wait_until(lambda: replicas.a.uploads() or replicas.b.uploads())  # though it is not all there
        assert [path.name for path in replicas.proxy.open_files()] in ([], ["proxy.log"])


def test_what_is_too_large_is_refused_before_all_of_it_is_there(replicas: Replicas) -> None:
    with replicas.proxy.client() as client:
        answer = client.post("/v1/heart-rate", files={"file": bytes(30_000_000)})
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    logs = (replicas.a.log, replicas.b.log)
    (line,) = wait_until(lambda: [line for log in logs for line in log() if line.get("status") == 413])
    assert line["bytes_in"] < 30_000_000


@dataclass
class Load:
    """Callers who send the bundled clip again and again; what became of each request and when it was begun."""

    proxy: Proxy
    failed: list[tuple[float, float, str]] = field(default_factory=list)  # began, ended, what was said
    right: list[tuple[float, float]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        self._callers = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for caller in self._callers:
            caller.join()

    def _call(self) -> None:
        with self.proxy.client() as client:
            while not self._over.is_set():
                began_s = time.monotonic()
                said = self._ask(client)
                if said == "measured":
                    self.right.append((began_s, time.monotonic()))
                else:
                    self.failed.append((began_s, time.monotonic(), said))

    def _ask(self, client: httpx.Client) -> str:
        try:
            answer = client.post("/v1/heart-rate", files={"file": CLIP.read_bytes()})
        except httpx.RemoteProtocolError:
            return "hung up"
        told = answer.json()
        right = answer.status_code == 200 and abs(told["bpm"] - TRUE_BPM) < 1
        return "measured" if right else f"{answer.status_code} {told.get('code')}"

    def wait_for(self, count: int) -> None:
        """Wait until so many more were measured."""
        wanted = len(self.right) + count
        wait_until(lambda: len(self.right) >= wanted, 200)


def started_with_models(stack: ExitStack, folder: Path, name: str, port: int) -> Server:
    store = ROOT / "model_store"
    return start(stack, folder / name, name, port=port, estimator=DEFAULT_ESTIMATOR, model_store=store, drain_s=DRAIN_S)


def test_one_is_killed_under_load_and_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ports = free_ports(2)
    with ExitStack() as stack:
        a, b = (started_with_models(stack, tmp_path, name, port) for name, port in zip("ab", ports, strict=True))
        proxy = stack.enter_context(running_proxy(tmp_path, ports))
        with Load(proxy) as load:
            load.wait_for(12)
            a.process.kill()
            a.process.wait()
            killed_s = time.monotonic()
            load.wait_for(12)
            again = started_with_models(stack, tmp_path, "a", ports[0])
            wait_until(lambda: any(line.get("route") == "/v1/heart-rate" for line in again.log()), 60)
            load.wait_for(12)
        assert {said for *_, said in load.failed} <= {"503 worker_died", "hung up"}
        times = [(began_s - killed_s, ended_s - killed_s) for began_s, ended_s, _ in load.failed]
        assert all(began_s < 0 for began_s, _ in times), f"others than those in flight: {times}"
        assert len(load.failed) < CALLERS, "also those of the other one"
        assert any(line.get("route") == "/v1/heart-rate" for line in b.log())
    with capsys.disabled():
        sys.stdout.write(f"\nkilled: {len(load.right)} measured, {len(load.failed)} failed: in flight on it\n")


def test_one_ends_under_load_and_nobody_notices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ports = free_ports(2)
    with ExitStack() as stack:
        a, _ = (started_with_models(stack, tmp_path, name, port) for name, port in zip("ab", ports, strict=True))
        proxy = stack.enter_context(running_proxy(tmp_path, ports))
        with Load(proxy) as load:
            load.wait_for(12)
            a.process.send_signal(signal.SIGTERM)
            assert a.process.wait(60) == 0
            load.wait_for(10)
        assert load.failed == []
        served = Counter(line.get("status") for line in a.log() if line.get("route") == "/v1/heart-rate")
        assert set(served) == {200}
    with capsys.disabled():
        sys.stdout.write(f"\nended: {len(load.right)} measured, {served.total()} by the one that ended, none failed\n")


def test_without_any_replica_the_caller_is_told_to_come_back(tmp_path: Path) -> None:
    with running_proxy(tmp_path, free_ports(2)) as proxy, proxy.client() as client:
        answer = client.post("/v1/heart-rate", files={"file": VIDEO})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json().keys() >= {"type", "title", "status", "detail", "code", "request_id"}
    assert int(answer.headers["retry-after"]) > 0
