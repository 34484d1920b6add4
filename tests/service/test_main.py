"""The whole service as a process: its start, its end, and what one bad request may not do to the others."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from service.main import create_app, make_server
from service.settings import PREFIX, Settings
from tests.service.api.http import exchange, form, head, part, read_answer
from tests.service.server import VIDEO, Server, running_server, wait_until

GET_LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_video_is_answered(server: Server) -> None:
    result = server.measure().json()
    assert (result["bpm"], result["status"], result["model"]["name"]) == (72.0, "ok", "student")


def test_a_worker_killed_in_the_middle_costs_its_request_alone(server: Server) -> None:
    wait_until(lambda: len(server.workers()) == 2)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        doomed = threads.submit(server.measure, model="sleep_long")
        busy = wait_until(lambda: _worker_with_upload(server))
        other = threads.submit(server.measure, model="sleep_short")
        time.sleep(0.3)
        busy.kill()
        answer = doomed.result()
        assert (answer.status_code, answer.json()["code"]) == (503, "worker_died")
        assert int(answer.headers["retry-after"]) > 0
        assert other.result().status_code == 200
    assert server.measure().status_code == 200
    assert server.uploads() == []


def _worker_with_upload(server: Server) -> psutil.Process | None:
    """Return the worker that the only running request has: the one that wakes up ten times a second."""
    before = {worker.pid: worker.num_ctx_switches().voluntary for worker in server.workers()}
    if not server.uploads():
        return None
    time.sleep(0.5)
    awake = [w for w in server.workers() if w.num_ctx_switches().voluntary - before.get(w.pid, 0) > 2]
    return awake[0] if len(awake) == 1 else None


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("die", 503, "worker_died"),
        ("crash", 503, "worker_died"),
        ("eat", 422, "video_too_expensive"),
        ("raise", 500, "internal_error"),
        ("nan", 500, "internal_error"),
        ("no_face", 422, "no_face"),
        ("nonsense", 422, "unknown_model"),
    ],
)
def test_whatever_a_video_does_nothing_stays(server: Server, model: str, status: int, code: str) -> None:
    answer = server.measure(model=model)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert server.uploads() == []
    assert server.measure().status_code == 200


def test_health_is_told_at_once_while_all_is_busy_and_full(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, queue_length=1, task_timeout_s=1.5) as server,
        concurrent.futures.ThreadPoolExecutor() as threads,
    ):
        taken = [threads.submit(server.measure, model="sleep_long") for _ in range(2)]
        wait_until(lambda: len(server.uploads()) == 2)
        with server.client() as client:
            for path in ("/livez", "/readyz", "/version") * 3:
                since = time.monotonic()
                assert client.get(path).status_code == 200
                assert time.monotonic() - since < 1
        refused = server.measure()
        assert (refused.status_code, refused.json()["code"]) == (503, "queue_full")
        assert "retry-after" in refused.headers
        assert [future.result().json()["code"] for future in taken] == ["took_too_long"] * 2
        assert server.uploads() == []


def test_more_uploads_than_allowed_are_turned_away(tmp_path: Path) -> None:
    with running_server(tmp_path, max_uploads=1) as server, server.connect() as sock:
        sock.sendall(head(length=100_000) + part("file", VIDEO))
        wait_until(lambda: len(server.uploads()) == 1)
        assert server.measure().json()["code"] == "too_many_uploads"


def test_an_upload_as_a_whole_has_an_end(tmp_path: Path) -> None:
    with running_server(tmp_path, upload_timeout_s=0.6, wait_for_workers=False) as server, server.connect() as sock:
        sock.sendall(head(length=100_000) + part("file", VIDEO))
        for _ in range(10):
            sock.sendall(b"x" * 2000)
            time.sleep(0.1)
        assert read_answer(sock).problem() == "request_timeout"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told(tmp_path: Path, how: signal.Signals) -> None:
    with running_server(tmp_path, workers=2) as server, server.connect() as idle:
        assert exchange(idle, GET_LIVEZ).status == 200
        workers = server.workers()
        server.process.send_signal(how)
        assert server.process.wait(20) == 0
        wait_until(lambda: not any(worker.is_running() for worker in workers))
        assert server.left_behind() == []
        assert not [line for line in server.log() if line["level"] == "ERROR"]


def test_a_running_request_may_end_first(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        answer = threads.submit(server.measure, model="sleep_short")
        wait_until(lambda: len(server.uploads()) == 1)
        server.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200


def test_a_request_that_does_not_end_does_not_keep_it(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=1) as server, server.connect() as sock:
        body = form(part("file", VIDEO), part("model", b"sleep_long"))
        sock.sendall(head(length=len(body)) + body)
        wait_until(lambda: len(server.uploads()) == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert server.left_behind() == []


def test_an_upload_that_does_not_end_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=1) as server, server.connect() as sock:
        sock.sendall(head(length=1000) + b"--")
        wait_until(server.uploads)
        server.process.send_signal(signal.SIGTERM)
        answer = read_answer(sock)
        assert (answer.status, answer.problem()) == (503, "stopping")
        assert server.process.wait(20) == 0
        assert server.left_behind() == []
    assert "CancelledError" not in server.log_text()


def test_workers_do_not_outlive_a_service_that_is_killed(tmp_path: Path) -> None:
    with running_server(tmp_path, workers=2) as server, server.connect() as sock:
        body = form(part("file", VIDEO), part("model", b"spin"))
        sock.sendall(head(length=len(body)) + body)
        wait_until(lambda: len(server.uploads()) == 1)
        workers = server.workers()
        assert len(workers) == 2
        server.process.kill()
        wait_until(lambda: not any(worker.is_running() for worker in workers))
        leftovers = server.uploads()
    assert len(leftovers) == 1
    with running_server(tmp_path, wait_for_workers=False) as server:
        assert not leftovers[0].exists()


def test_the_service_never_loads_what_decodes(tmp_path: Path) -> None:
    code = (
        "import sys, service.main; from service.settings import Settings; service.main.create_app(Settings());"
        "print([m for m in ('av', 'onnxruntime', 'scipy', 'torch', 'service.pipeline.estimate') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert done.stdout.strip() == "[]"


def test_uvicorn_is_told_our_limits() -> None:
    config = make_server(Settings(max_header_kb=16, keep_alive_s=3)).config
    assert (config.h11_max_incomplete_event_size, config.timeout_keep_alive) == (16_384, 3)
    assert config.limit_concurrency is None, "it would turn health checks away"


def test_the_app_is_described() -> None:
    described = json.dumps(create_app(Settings()).openapi())
    assert "multipart/form-data" in described


def test_uploads_may_lie_elsewhere_than_the_state_of_jobs(tmp_path: Path) -> None:
    with running_server(tmp_path, uploads_dir=tmp_path / "memory") as server, server.client() as client:
        assert client.post("/v1/heart-rate", files={"file": VIDEO}).status_code == 200
        assert [path.name[:8] for path in (tmp_path / "memory").iterdir()] == ["uploads-"]
        assert {path.name.split(".")[0] for path in (tmp_path / "data").iterdir()} == {"jobs"}
    assert not list((tmp_path / "memory").iterdir())


def _start_in_vain(tmp_path: Path, **settings: object) -> tuple[int, list[dict[str, str]]]:
    """Start a service that cannot start; return its exit code and its log."""
    chosen = {"port": 0, "workers": 1, "data_dir": tmp_path / "data"} | settings
    environment = os.environ | {PREFIX + name.upper(): str(value) for name, value in chosen.items()}
    command = [sys.executable, "-W", "error", "-m", "service.main"]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def _why(log: list[dict[str, str]]) -> str:
    (line,) = (line for line in log if line["message"] == "the service cannot run")
    assert "Traceback" not in str(log)
    return line["why"]


def test_a_data_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    code, log = _start_in_vain(tmp_path)
    assert (code, _why(log)) == (2, f"File exists: {tmp_path / 'data'}")


def test_a_state_of_jobs_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "data" / "jobs.sqlite3").mkdir(parents=True)
    code, log = _start_in_vain(tmp_path)
    assert (code, _why(log)) == (2, f"Is a directory: {tmp_path / 'data' / 'jobs.sqlite3'}")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["jobs.sqlite3"]


def test_ports_that_are_taken_are_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, log = _start_in_vain(tmp_path, metrics_port=port)
        assert code == 2
        assert "in use" in _why(log)
        code, log = _start_in_vain(tmp_path, port=port)
        assert code == 2
        assert any("in use" in line["message"] for line in log)
