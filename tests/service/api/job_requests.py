"""What a client of /v1/jobs asks."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.service.server import VIDEO, Server, wait_until

Json = dict[str, Any]


def submit(server: Server, content: bytes = VIDEO, headers: dict[str, str] | None = None, **options: str) -> Json:
    with server.client() as client:
        answer = client.post("/v1/jobs", files={"file": content}, data=options, headers=headers)
    assert answer.status_code == 202, answer.text
    job: Json = answer.json()
    assert answer.headers["location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    return job


def ask(server: Server, job: Json) -> httpx.Response:
    with server.client() as client:
        return client.get(job["links"]["self"])


def reaches(server: Server, job: Json, *states: str) -> Json:
    """Wait until a job has one of the states, and return it."""

    def has() -> Json | None:
        now: Json = ask(server, job).json()
        return now if now["state"] in states else None

    found: Json = wait_until(has, 40)
    return found


def delete(server: Server, job: Json) -> httpx.Response:
    with server.client() as client:
        return client.delete(job["links"]["self"])


def listen(server: Server, job: Json, **headers: str) -> Iterator[tuple[str, str, Json]]:
    """Yield a job's events: id, name, data. Comments are left out."""
    with server.client() as client, client.stream("GET", job["links"]["events"], headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                yield event.get("id", ""), event["event"], json.loads(event["data"])
                event = {}
