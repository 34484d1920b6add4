"""The queue before a pool."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from service.jobs.job import Failure, Job, JobQueueFull, Retry, TooManyJobs
from service.jobs.queue import JobQueue
from service.settings import Settings
from service.workers import Outcome
from tests.service.jobs.queues import (
    add,
    find,
    over,
    videos,
    with_workers,
    without_workers,
)
from tests.service.pool import until


def test_jobs_take_turns_and_a_failure_hurts_only_its_own(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        added = [await add(jobs, tmp_path, model) for model in ("no_face", "die", "auto")]
        assert (added[0].state, added[0].position) == ("queued", 1)
        ended = [await over(jobs, job) for job in added]
        assert [job.failure.code if job.failure else job.state for job in ended] == ["no_face", "worker_died", "done"]
        assert ended[-1].result is not None
        assert added[-1].request_id.encode() in ended[-1].result
        assert videos(tmp_path) == []

    with_workers(tmp_path, body)


def test_a_job_that_takes_too_long_fails(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path, "spin")
        assert (await over(jobs, job)).failure == Failure(
            "took_too_long", "The video took longer than one request may take."
        )

    with_workers(tmp_path, body, job_timeout_s=0.5)


def test_a_job_that_never_gets_a_worker_fails(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        ended = await over(jobs, await add(jobs, tmp_path))
        assert ended.failure is not None
        assert ended.failure.code == "queue_full"

    without_workers(tmp_path, body, job_timeout_s=0.3, queue_wait_s=0.1)


def test_removing_frees_the_worker_at_once(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        first, second = await add(jobs, tmp_path, "spin"), await add(jobs, tmp_path)
        await until(lambda: jobs.running == 1)
        assert await jobs.remove(first.id, first.owner)
        assert len(videos(tmp_path)) <= 1
        assert (await over(jobs, second)).state == "done"

    with_workers(tmp_path, body)


def test_what_cannot_be_rendered_is_an_internal_error(tmp_path: Path) -> None:
    def fail(_outcome: Outcome, _job: Job) -> bytes:
        raise KeyError("secret")

    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)
        assert (await over(jobs, job)).failure == Failure("internal_error")

    with_workers(tmp_path, body, render=fail)


def test_the_grace_time_lets_a_running_job_end(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        first, second = await add(jobs, tmp_path, "sleep_short"), await add(jobs, tmp_path)
        await until(lambda: jobs.running == 1)
        await jobs.stop(30)
        assert (await find(jobs, first)).state == "done"
        assert (await find(jobs, second)).failure == Failure("interrupted")

    with_workers(tmp_path, body)


def test_after_the_grace_time_a_job_is_interrupted(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        added = [await add(jobs, tmp_path) for _ in range(3)]
        await jobs.stop(0.1)
        assert [(await find(jobs, job)).failure for job in added] == 3 * [Failure("interrupted")]
        assert videos(tmp_path) == []
        with pytest.raises(JobQueueFull):
            await jobs.place("ann").__aenter__()

    without_workers(tmp_path, body)


def test_a_video_that_arrives_too_late_is_interrupted(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        await jobs.stop(0)
        assert (await add(jobs, tmp_path)).failure == Failure("interrupted")
        assert videos(tmp_path) == []

    without_workers(tmp_path, body)


def test_jobs_leave_a_worker_free(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        added = [await add(jobs, tmp_path) for _ in range(4)]
        await until(lambda: jobs.running == 2)
        await asyncio.sleep(0.05)
        found = [await find(jobs, job) for job in added]
        assert [(job.state, job.position) for job in found] == [
            ("running", None), ("running", None), ("queued", 1), ("queued", 2)
        ]  # fmt: skip

    without_workers(tmp_path, body, workers=3)


@pytest.mark.parametrize(("workers", "job_workers", "usable"), [(1, None, 1), (4, None, 3), (4, 2, 2), (2, 9, 2)])
def test_the_share_of_jobs(workers: int, job_workers: int | None, usable: int) -> None:
    assert Settings(workers=workers, job_workers=job_workers).usable_job_workers == usable


def test_only_so_many_jobs_wait(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        for _ in range(2):
            await add(jobs, tmp_path)
        await until(lambda: jobs.running == 1)
        async with jobs.place("ann"):
            with pytest.raises(JobQueueFull):
                await jobs.place("bob").__aenter__()
        async with jobs.place("bob"):  # the upload before has ended, without a job
            pass

    without_workers(tmp_path, body, job_queue_length=2)


def test_only_so_many_jobs_of_one_key(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)
        async with jobs.place("ann"):
            with pytest.raises(TooManyJobs):
                await jobs.place("ann").__aenter__()
        async with jobs.place("bob"):
            await jobs.remove(job.id, "ann")
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(jobs.place("ann"))

    without_workers(tmp_path, body, job_max_per_key=2)


def test_only_its_owner_finds_and_removes_a_job(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)
        assert await jobs.find(job.id, "bob") is None
        assert not await jobs.remove(job.id, "bob")
        assert [news async for news in jobs.news(job.id, "bob", 60)] == []
        assert (await find(jobs, job)).id == job.id

    without_workers(tmp_path, body)


def test_a_repeated_request_keeps_no_second_video(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        retry = Retry(b"key", b"fingerprint")
        first, second = [await add(jobs, tmp_path, retry=retry) for _ in range(2)]
        assert first.id == second.id
        assert len(videos(tmp_path)) == 1
        assert await jobs.knows(retry.key)
        assert await jobs.repeated(retry) == await find(jobs, first)

    without_workers(tmp_path, body)


def test_news_end_when_the_job_is_removed(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)

        async def listen() -> list[str | None]:
            return [news.state if news else None async for news in jobs.news(job.id, job.owner, 60)]

        listening = asyncio.create_task(listen())
        await until(lambda: jobs.running == 1)
        await asyncio.sleep(0.05)
        await jobs.remove(job.id, job.owner)
        assert (await listening)[-1] == "running"

    without_workers(tmp_path, body)


def test_nothing_new_is_said_as_such(tmp_path: Path) -> None:
    async def body(jobs: JobQueue) -> None:
        job = await add(jobs, tmp_path)
        await until(lambda: jobs.running == 1)
        news = jobs.news(job.id, job.owner, 0.01)
        told = [await anext(news) for _ in range(3)]
        assert told == [await find(jobs, job), None, None]

    without_workers(tmp_path, body)
