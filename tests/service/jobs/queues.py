"""Queues of jobs before a pool; where a test needs no worker, the pool has none and jobs stay as they are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from service.jobs.interface import Render
from service.jobs.job import Job, Retry
from service.jobs.queue import JobQueue, open_jobs
from service.settings import Settings
from service.wire import VideoTask
from service.workers import Outcome, WorkerPool
from tests.service.pool import running_pool
from tests.service.server import VIDEO

Body = Callable[[JobQueue], Awaitable[None]]
_IDS = count()


def render(outcome: Outcome, job: Job) -> bytes:
    return b'{"request_id": "%s", "size": %d}' % (job.request_id.encode(), len(outcome.body))


@asynccontextmanager
async def queue_without_workers(folder: Path, **settings: Any) -> AsyncIterator[JobQueue]:
    chosen = Settings(data_dir=folder, **{"workers": 2, "shutdown_s": 1} | settings)
    async with open_jobs(chosen, WorkerPool(chosen), "uploads-a", render) as jobs:
        yield jobs
        await jobs.stop(0)


def without_workers(folder: Path, body: Body, **settings: Any) -> None:
    async def run() -> None:
        async with queue_without_workers(folder, **settings) as jobs:
            await body(jobs)

    asyncio.run(run())


def with_workers(folder: Path, body: Body, *, render: Render = render, **settings: Any) -> None:
    async def run() -> None:
        async with running_pool(folder, **settings) as pool:
            chosen = Settings(data_dir=folder, **{"workers": 1} | settings)
            async with open_jobs(chosen, pool, "uploads-a", render) as jobs:
                await body(jobs)
                await jobs.stop(0)

    asyncio.run(run())


async def add(jobs: JobQueue, folder: Path, model: str = "auto", owner: str = "ann", retry: Retry | None = None) -> Job:
    number = next(_IDS)
    video = folder / f"job-{number}"
    video.write_bytes(VIDEO)
    job = Job(f"id-{number}", owner, f"request-{number}", "queued", created_s=1000.0)
    return await jobs.add(job, VideoTask(str(video), model=model), retry)


async def find(jobs: JobQueue, job: Job) -> Job:
    found = await jobs.find(job.id, job.owner)
    assert found is not None
    return found


async def over(jobs: JobQueue, job: Job) -> Job:
    last = [news async for news in jobs.news(job.id, job.owner, 60) if news is not None][-1]
    assert last.is_over
    return last


def videos(folder: Path) -> list[Path]:
    return list(folder.glob("job-*"))
