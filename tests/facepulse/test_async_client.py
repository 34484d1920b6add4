import asyncio
import inspect
import io

import numpy as np
import pytest

from facepulse import AsyncClient, Client, Job, JobFailed, RequestRefused, Retries, ServiceBusy
from tests.facepulse.scripted import busy, scripted
from tests.facepulse.test_client import VERSION
from tests.service.server import VIDEO, Server


def test_videos_are_measured_at_the_same_time(server: Server) -> None:
    async def measure() -> list[float]:
        async with AsyncClient(server.url) as client:
            results = await asyncio.gather(*(client.measure(video) for video in (VIDEO, io.BytesIO(VIDEO))))
            return [result.bpm for result in results]

    assert asyncio.run(measure()) == [72.0, 72.0]


def test_frames_are_measured(server: Server) -> None:
    async def measure() -> list[float]:
        async with AsyncClient(server.url) as client:
            images = await client.measure_frames([b"one", b"two"], timestamps_s=[0, 0.1])
            arrays = await client.measure_frames(np.zeros((3, 64, 64, 3), np.uint8), fps=30)
            return [images.bpm, arrays.bpm]

    assert asyncio.run(measure()) == [2.0, 3.0]


def test_errors_are_typed(server: Server) -> None:
    async def measure() -> None:
        async with AsyncClient(server.url) as client:
            await client.measure(b"no video")

    with pytest.raises(RequestRefused, match="not_a_video"):
        asyncio.run(measure())


def test_a_job_is_waited_for(server: Server) -> None:
    states: list[Job] = []

    async def work() -> float:
        async with AsyncClient(server.url) as client:
            job = await client.submit(VIDEO, model="sleep_short")
            return (await client.wait(job, progress=states.append)).bpm

    assert asyncio.run(work()) == 72.0
    assert states[-1].state == "done"


def test_a_job_that_failed_raises(server: Server) -> None:
    async def work() -> None:
        async with AsyncClient(server.url) as client:
            job = await client.submit(VIDEO, model="no_face")
            await client.wait(job)

    with pytest.raises(JobFailed, match="no_face"):
        asyncio.run(work())


def test_a_full_service_is_asked_again() -> None:
    async def ask(url: str) -> str:
        async with AsyncClient(url) as client:
            return await client.version()

    with scripted(busy(), VERSION) as service:
        assert asyncio.run(ask(service.url)) == "1.2.3"


def test_and_not_for_ever() -> None:
    async def ask(url: str) -> str:
        async with AsyncClient(url, retries=Retries(attempts=2)) as client:
            return await client.version()

    with scripted(busy()) as service:
        with pytest.raises(ServiceBusy):
            asyncio.run(ask(service.url))
        assert len(service.asked) == 2


def methods_of(kind: type) -> dict[str, inspect.Signature]:
    return {name: inspect.signature(value) for name, value in vars(kind).items() if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    waiting, at_once = methods_of(AsyncClient), methods_of(Client)
    waiting.pop("live", None)
    assert waiting == at_once
