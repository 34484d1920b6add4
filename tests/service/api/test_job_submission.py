"""Requests for jobs that are repeated, and jobs of several keys."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.keys import new_key
from tests.service.api.http import head, part, read_answer
from tests.service.server import VIDEO, Server, running_server, wait_until


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, str]]:
    """A service with two keys, few jobs per key and little time for uploads."""
    folder = tmp_path_factory.mktemp("keyed")
    ann, bob = (new_key(folder / "keys", name) for name in ("ann", "bob"))
    limits: dict[str, Any] = {"job_max_per_key": 2, "job_queue_length": 2}
    times: dict[str, Any] = {"upload_timeout_s": 0.2, "job_upload_timeout_s": 1.5}
    with running_server(folder, keys_file=folder / "keys", **limits, **times) as server:
        yield server, ann, bob


def submit(server: Server, retry: str = "", content: bytes = VIDEO, key: str = "", **options: str) -> httpx.Response:
    headers = ({"Idempotency-Key": retry} if retry else {}) | ({"X-Api-Key": key} if key else {})
    with server.client() as client:
        return client.post("/v1/jobs", files={"file": content}, params=options, headers=headers)


def delete(server: Server, job_id: str, key: str = "") -> int:
    with server.client() as client:
        return client.delete(f"/v1/jobs/{job_id}", headers={"X-Api-Key": key} if key else {}).status_code


def state_of(server: Server, job_id: str, key: str) -> str:
    with server.client() as client:
        return str(client.get(f"/v1/jobs/{job_id}", headers={"X-Api-Key": key}).json()["state"])


def test_a_repeated_request_gets_the_same_job(server: Server) -> None:
    first, second = submit(server, "repeated"), submit(server, "repeated")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["location"] == second.headers["location"]
    assert submit(server, "another").json()["id"] != first.json()["id"]


def test_without_a_key_every_request_is_a_new_job(server: Server) -> None:
    assert submit(server).json()["id"] != submit(server).json()["id"]


def test_requests_repeated_at_the_same_time_get_one_job(server: Server) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: submit(server, "at-once", model="sleep_short"), range(4)))
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 1
    assert len(server.uploads()) <= 1
    delete(server, ids.pop())


@pytest.mark.parametrize(
    ("content", "options"), [(VIDEO + b"x", {}), (VIDEO[:-1] + b"x", {}), (VIDEO, {"face": "all"})]
)
def test_another_video_or_other_options_are_refused(server: Server, content: bytes, options: dict[str, str]) -> None:
    retry = f"reused-{len(content)}-{content[-1]}-{len(options)}"
    job = submit(server, retry).json()
    answer = submit(server, retry, content, **options)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert submit(server, retry).json()["id"] == job["id"]


def test_options_count_as_what_they_mean(server: Server) -> None:
    job = submit(server, "meaning", face="largest", start_s="0").json()
    assert submit(server, "meaning").json()["id"] == job["id"]


def test_the_key_of_a_deleted_job_is_free(server: Server) -> None:
    job = submit(server, "deleted").json()
    delete(server, job["id"])
    assert submit(server, "deleted").json()["id"] != job["id"]


@pytest.mark.parametrize("retry", ["k" * 256, "with space", "\u00e4"])
def test_a_strange_key_is_refused_but_not_repeated(server: Server, retry: str) -> None:
    with server.client() as client:
        headers = {b"Idempotency-Key": retry.encode("latin-1")}
        answer = client.post("/v1/jobs", files={"file": VIDEO}, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert retry not in answer.text


def test_a_job_is_known_to_its_key_alone(keyed: tuple[Server, str, str]) -> None:
    server, ann, bob = keyed
    job = submit(server, key=ann).json()
    with server.client() as client:
        for address in (job["links"]["self"], job["links"]["events"]):
            assert client.get(address, headers={"X-Api-Key": bob}).status_code == 404
            assert client.get(address).status_code == 401
            assert client.get(address, headers={"X-Api-Key": ann}).status_code == 200
    assert delete(server, job["id"], bob) == 404
    assert delete(server, job["id"], ann) == 204


def test_two_callers_may_use_the_same_idempotency_key(keyed: tuple[Server, str, str]) -> None:
    server, ann, bob = keyed
    jobs = [(submit(server, "shared", key=key).json()["id"], key) for key in (ann, bob)]
    assert jobs[0][0] != jobs[1][0]
    assert [delete(server, job_id, key) for job_id, key in jobs] == [204, 204]


def test_one_caller_does_not_take_all_places(keyed: tuple[Server, str, str]) -> None:
    server, ann, bob = keyed
    jobs = [submit(server, f"place-{index}", key=ann, model="sleep_long").json()["id"] for index in range(2)]
    wait_until(lambda: state_of(server, jobs[0], ann) == "running")
    refused = submit(server, key=ann)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
    assert refused.headers["retry-after"]
    assert submit(server, "place-0", key=ann, model="sleep_long").json()["id"] == jobs[0], "a repetition needs no place"
    other = submit(server, key=bob)
    assert other.status_code == 202
    full = submit(server, key=bob)
    assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "job_queue_full", "5")
    for job_id, key in ((jobs[0], ann), (jobs[1], ann), (other.json()["id"], bob)):
        assert delete(server, job_id, key) == 204


def test_an_upload_has_a_time_of_its_own(keyed: tuple[Server, str, str]) -> None:
    server, ann, _ = keyed
    extra = f"X-Api-Key: {ann}\r\n".encode()
    with server.connect() as sock:
        sock.sendall(head(length=1_000_000, extra=extra).replace(b"/v1/heart-rate", b"/v1/jobs") + part("file", VIDEO))
        began_s = time.monotonic()
        sender = threading.Thread(target=_trickle, args=(sock,))
        sender.start()
        assert read_answer(sock).problem() == "request_timeout"
        assert time.monotonic() - began_s > 1.0
        sender.join(20)
    wait_until(lambda: server.uploads() == [])


def test_what_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=3_000_000_000).replace(b"/v1/heart-rate", b"/v1/jobs"))
        assert read_answer(sock).problem() == "upload_too_large"


def _trickle(sock: socket.socket) -> None:
    for _ in range(60):
        try:
            sock.sendall(b"x" * 2000)
        except OSError:
            return
        time.sleep(0.05)
