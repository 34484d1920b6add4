"""Jobs over HTTP, with a real service and stand-in workers."""

import re
import socket
import sqlite3
from pathlib import Path

import pytest

from service.wire import DEFAULT_ESTIMATOR
from tests.service.api.http import head, part, read_answer
from tests.service.api.job_requests import Json, ask, delete, listen, reaches, submit
from tests.service.server import ROOT, VIDEO, Server, running_server, wait_until
from training.synthesis.pulse_wave import Truth


def test_of_several_replicas_an_id_says_which_one_has_the_job(tmp_path: Path) -> None:
    with running_server(tmp_path, replica="a") as server:
        job = submit(server)
        assert re.fullmatch("a-[0-9a-f]{32}", job["id"])
        assert ask(server, job).status_code == 200


def spent_s(server: Server) -> dict[int, float]:
    """Return the processor time of each worker process."""
    return {worker.pid: worker.cpu_times().user for worker in server.workers()}


def spinning(server: Server, before: dict[int, float]) -> int | None:
    """Return the worker process that has computed 3 s since `before`: longer than one takes to start."""
    return next((pid for pid, now_s in spent_s(server).items() if now_s - before.get(pid, 0) > 3), None)


def test_a_job_from_its_submission_to_its_result(server: Server) -> None:
    job = submit(server, face="all")
    assert re.fullmatch(r"[0-9a-f]{32}", job["id"])
    assert (job["state"], job["result"], job["problem"]) == ("queued", None, None)
    done = reaches(server, job, "done")
    assert (done["progress"], done["position"], done["problem"]) == (1.0, None, None)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"] < done["expires_at"]
    assert [face["bpm"] for face in done["result"]["faces"]] == [72.0, 80.0]
    assert list(done["result"]["timing_ms"]) == ["upload", "queue", "decode", "face"]
    assert server.uploads() == []


def test_the_result_is_that_of_a_request(server: Server) -> None:
    job = reaches(server, submit(server), "done")
    asked = server.measure().json()
    assert job["result"].keys() == asked.keys()
    for name in ("bpm", "confidence", "bvp", "windows", "face", "video", "model"):
        assert job["result"][name] == asked[name]


def test_who_waits_is_told_when_to_ask_again(server: Server) -> None:
    job = submit(server, model="sleep_short")
    assert ask(server, job).headers["retry-after"] == "2"
    reaches(server, job, "done")
    assert "retry-after" not in ask(server, job).headers


def test_a_job_that_fails_says_why(server: Server) -> None:
    failed = reaches(server, submit(server, model="no_face"), "failed")
    assert (failed["result"], failed["progress"]) == (None, 0.0)
    problem = failed["problem"]
    assert (problem["code"], problem["status"], problem["type"]) == ("no_face", 422, "/problems/no_face")
    assert len(problem["request_id"]) == 32
    assert server.uploads() == []


def test_an_unknown_job_is_not_found(server: Server) -> None:
    with server.client() as client:
        for answer in (client.get("/v1/jobs/none"), client.get("/v1/jobs/none/events"), client.delete("/v1/jobs/none")):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_events_tell_the_whole_way(server: Server) -> None:
    events = list(listen(server, submit(server, model="sleep_short")))
    names = [name for _, name, _ in events]
    assert names[0] == "state"
    assert names[-2:] == ["state", "result"]
    assert [event_id for event_id, _, _ in events][-2:] == ["", "end"]
    assert events[-2][2]["state"] == "done"
    assert events[-1][2]["bpm"] == 72.0
    running = [data for _, name, data in events if name == "progress"]
    assert [(data["progress"], data["bpm"], data["confidence"]) for data in running] == [(0.5, 72.0, 0.9)]
    assert all(data["result"] is None for _, name, data in events if name != "result")


def test_events_of_a_job_that_is_over(server: Server) -> None:
    job = reaches(server, submit(server), "done")
    assert [name for _, name, _ in listen(server, job)] == ["state", "result"]


def test_events_of_a_job_that_fails(server: Server) -> None:
    *_, (event_id, name, data) = listen(server, submit(server, model="raise"))
    assert (event_id, name, data["problem"]["code"]) == ("end", "state", "internal_error")


def test_a_browser_that_reconnects_after_the_end_is_told_to_stop(server: Server) -> None:
    job = reaches(server, submit(server), "done")
    with server.client() as client:
        assert client.get(job["links"]["events"], headers={"Last-Event-ID": "end"}).status_code == 204


def test_a_listener_who_leaves_leaves_nothing_behind(server: Server) -> None:
    job = submit(server, model="sleep_long")
    for _ in range(3):
        next(listen(server, job))
    wait_until(lambda: sum(line.get("route") == "/v1/jobs/{job_id}/events" for line in server.log()[-20:]) >= 3)
    delete(server, job)


def test_deleting_stops_the_worker_and_removes_everything(server: Server) -> None:
    before = spent_s(server)
    job = submit(server, model="spin")
    reaches(server, job, "running")
    busy = wait_until(lambda: spinning(server, before))
    events = listen(server, job)
    assert next(events)[1] == "state"
    assert delete(server, job).status_code == 204
    assert ask(server, job).status_code == delete(server, job).status_code == 404
    assert list(events)[-1] == ("end", "gone", {})
    assert server.uploads() == []
    wait_until(lambda: busy not in {worker.pid for worker in server.workers()})
    assert reaches(server, submit(server), "done")


def test_deleting_a_finished_job_removes_its_result(server: Server) -> None:
    job = reaches(server, submit(server), "done")
    assert delete(server, job).status_code == 204
    assert ask(server, job).status_code == 404
    with sqlite3.connect(server.data_dir / "jobs.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM jobs WHERE id = ?", (job["id"],)).fetchone() == (0,)
    db.close()


def test_jobs_that_cannot_be_reached_are_named(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        job = reaches(server, submit(server), "done")
        with sqlite3.connect(server.data_dir / "jobs.sqlite3") as db:
            db.execute("DROP TABLE jobs")
        db.close()
        with server.client() as client:
            again = client.post("/v1/jobs", files={"file": VIDEO}, headers={"Idempotency-Key": "k"})
        for answer in (ask(server, job), delete(server, job), again):
            assert (answer.status_code, answer.json()["code"]) == (503, "jobs_unavailable")
            assert "retry-after" in answer.headers
        assert server.uploads() == []


def test_requests_find_a_worker_while_jobs_run(server: Server) -> None:
    jobs = [submit(server, model="sleep_long") for _ in range(2)]
    reaches(server, jobs[0], "running")
    assert server.measure().status_code == 200
    assert ask(server, jobs[1]).json()["position"] == 1
    for job in jobs:
        delete(server, job)


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"", {}, "empty_file"),
        (VIDEO, {"face": "both"}, "validation_failed"),
        (VIDEO, {"model": "no"}, "unknown_model"),
    ],
)
def test_what_is_wrong_at_once_makes_no_job(server: Server, content: bytes, options: Json, code: str) -> None:
    with server.client() as client:
        answer = client.post("/v1/jobs", files={"file": content}, data=options)
    assert answer.json()["code"] == code
    assert server.uploads() == []


def count_jobs(server: Server) -> int:
    with sqlite3.connect(server.data_dir / "jobs.sqlite3") as db:
        (count,) = db.execute("SELECT count(*) FROM jobs").fetchone()
    db.close()
    return int(count)


def test_a_connection_dropped_half_way_leaves_no_job(server: Server) -> None:
    before = count_jobs(server)
    with server.connect() as sock:
        request = head(length=1_000_000).replace(b"/v1/heart-rate", b"/v1/jobs")
        sock.sendall(request + part("file", VIDEO * 10)[:50_000])
        wait_until(server.uploads)
    wait_until(lambda: server.uploads() == [])
    assert count_jobs(server) == before


def test_a_stalled_upload_leaves_no_job(server: Server) -> None:
    before = count_jobs(server)
    with server.connect() as sock:
        sock.sendall(head(length=1_000_000).replace(b"/v1/heart-rate", b"/v1/jobs") + part("file", VIDEO))
        assert read_answer(sock).problem() == "request_timeout"
    wait_until(lambda: server.uploads() == [])
    assert count_jobs(server) == before


def test_a_listener_that_does_not_read_is_cut_off_or_waits_and_others_are_served(server: Server) -> None:
    job = submit(server, model="sleep_short")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(f"GET {job['links']['events']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert reaches(server, job, "done")


def test_a_job_may_be_larger_than_a_request(server: Server) -> None:
    large = VIDEO + bytes(1_500_000)
    assert server.measure(large).json()["code"] == "upload_too_large"
    assert reaches(server, submit(server, large), "done")


def test_a_clip_too_long_for_a_request_gets_its_true_rate_as_a_job(tmp_path: Path) -> None:
    clip, store = ROOT / "demo" / "astronaut.mp4", ROOT / "model_store"
    settings: Json = {"model_store": store, "max_duration_s": 8, "job_max_duration_s": 60}
    with running_server(tmp_path, estimator=DEFAULT_ESTIMATOR, **settings) as server:
        assert server.measure(clip.read_bytes()).json()["code"] == "too_long"
        *_, (_, name, result) = listen(server, submit(server, clip.read_bytes()))
        assert name == "result"
        assert result["bpm"] == pytest.approx(Truth.read_csv(clip.with_suffix(".csv")).bpm, abs=1.5)
