"""The guards in their order; each is tested in a file of its own."""

import asyncio
from pathlib import Path

import httpx
from fastapi import FastAPI, Request

from service.api import errors
from service.api.guards import add_guards, job_noter
from service.api.metrics import Metrics
from service.api.middleware import note_result
from service.jobs.job import Job
from service.keys import new_key
from service.settings import Settings
from tests.service.estimates import make_result

PAGE = "https://friend.example"


def ask_twice(settings: Settings, metrics: Metrics, **headers: str) -> list[httpx.Response]:
    app = FastAPI()

    @app.get("/v1/thing")
    async def thing(request: Request) -> str:
        note_result(request, make_result())
        return str(request.scope["facepulse.key"])

    errors.register(app)
    add_guards(app, settings, metrics, None)

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return [await client.get("/v1/thing", headers=headers) for _ in range(2)]

    return asyncio.run(ask())


def test_origin_key_and_limit_each_have_their_say(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys", "lab")
    settings = Settings(keys_file=tmp_path / "keys", cors_origins=(PAGE,), requests_per_minute=1, request_burst=1)
    metrics = Metrics()
    good, too_many = ask_twice(settings, metrics, Origin=PAGE, **{"X-Api-Key": key})
    assert (good.status_code, good.json(), too_many.status_code) == (200, "lab", 429)
    assert [answer.status_code for answer in ask_twice(settings, metrics, Origin=PAGE)] == [401, 401]
    for answer in (good, too_many):
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["x-request-id"]
    told = metrics.text().decode()
    for status in ("200", "429", "401"):
        assert f'status="{status}"' in told
    assert "facepulse_confidence_count 1.0" in told


def test_without_keys_the_name_is_empty() -> None:
    good, _ = ask_twice(Settings(), Metrics())
    assert good.json() == ""


def test_the_result_of_a_job_is_counted() -> None:
    metrics = Metrics()
    job_noter(metrics, None)(make_result(), Job("id", "", "test-0001", "running", 0.0))
    assert "facepulse_confidence_count 1.0" in metrics.text().decode()
