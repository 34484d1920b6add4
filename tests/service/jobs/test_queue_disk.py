"""The queue where nothing can be written."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from service.jobs.job import Failure, JobsNotStored
from service.jobs.queue import JobQueue
from service.worker_handle import QueueFull
from tests.service.jobs.queues import add, find, over, videos, with_workers, without_workers
from tests.service.pool import until


def test_a_full_disk_takes_no_job(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        await _fill_disk(jobs)
        taken = 0
        with contextlib.suppress(JobsNotStored):
            while taken < 100:  # its one page is full long before
                await add(jobs, tmp_path)
                taken += 1
        assert taken < 100
        assert len(videos(tmp_path)) == jobs.running + jobs.waiting == taken

    without_workers(tmp_path, body, job_queue_length=1000, job_max_per_key=1000)


def test_a_file_that_cannot_be_written_at_the_end_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.queue._DISK_PAUSE_S", 0.05)

    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)
        await until(lambda: jobs.running == 1)
        await jobs._keeper.call(jobs._store._db.execute, "PRAGMA query_only = ON")
        await until(lambda: videos(tmp_path) == [])
        await asyncio.sleep(0.2)
        assert (await find(jobs, job)).state == "running"
        await jobs._keeper.call(jobs._store._db.execute, "PRAGMA query_only = OFF")
        assert (await over(jobs, job)).failure == Failure("queue_full", QueueFull.detail)

    without_workers(tmp_path, body, job_timeout_s=0.01, queue_wait_s=0.5)


def test_a_full_disk_costs_the_result_not_the_job(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        await _fill_disk(jobs)
        job = await add(jobs, tmp_path)
        assert (await over(jobs, job)).failure == Failure("storage_full")

    with_workers(tmp_path, body, render=lambda _outcome, _job: bytes(200_000))


async def _fill_disk(jobs: JobQueue) -> None:
    """Let the database grow no more."""
    await jobs._keeper.call(jobs._store._db.execute, "PRAGMA max_page_count = 1")
