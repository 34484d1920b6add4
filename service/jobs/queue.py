"""The jobs of this service: who waits, who is worked on, who listens.

Unfinished jobs live here, with their videos and their progress; the store remembers what must outlive a crash. A job's
video is deleted as soon as it is processed, failed or cancelled.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from service import wire
from service.folders import make_private
from service.jobs.interface import Measurer, Render
from service.jobs.job import INTERRUPTED, Failure, Job, JobQueueFull, JobsNotStored, JobsUnavailable, Retry, TooManyJobs
from service.jobs.keeper import Keeper, keeping
from service.jobs.store import JobStore
from service.logs import describe_error
from service.settings import Settings
from service.worker_handle import PoolError, QueueFull
from service.workers import Outcome

_LOG = logging.getLogger("facepulse.jobs")
_BUSY_PAUSE_S = 1.0
_DISK_PAUSE_S = 5.0


@dataclass(slots=True)
class _Live:
    """An unfinished job of this service."""

    job: Job
    task: wire.VideoTask
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None

    def update(self, job: Job) -> None:
        """Replace what is known, and wake whoever listens if it is something new."""
        if job != self.job:
            self.job = job
            self.wake()

    def wake(self) -> None:
        """Wake whoever listens."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def delete_video(self) -> None:
        """Delete the video; a second time does nothing."""
        Path(self.task.path).unlink(missing_ok=True)


class JobQueue:
    """Feeds jobs to the workers, `job_workers` at a time, so that requests that somebody waits for find a free one.

    render: turns a worker's answer into the result that is kept (JSON); runs in a thread.
    """

    def __init__(self, settings: Settings, pool: Measurer, keeper: Keeper, render: Render) -> None:
        self._settings = settings
        self._pool = pool
        self._keeper = keeper
        self._store = keeper.store
        self._render = render
        self._slots = asyncio.Semaphore(settings.usable_job_workers)
        self._live: dict[str, _Live] = {}
        self._uploading: Counter[str] = Counter()
        self._ending: asyncio.Task[None] | None = None
        self.ended = Counter(done=0, failed=0)  # jobs that came to an end since the start, by how

    async def stop(self, grace_s: float) -> None:
        """Take no more jobs, let the running ones end within grace_s, report all others as interrupted.

        Called again it waits for the same end.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace_s))
        await asyncio.shield(self._ending)

    async def _end(self, grace_s: float) -> None:
        for live in list(self._live.values()):
            if live.job.state == "queued":
                await self._interrupt(live)
        work = [live.work for live in self._live.values() if live.work is not None]
        if work:
            await asyncio.wait(work, timeout=grace_s)
        for live in list(self._live.values()):
            await self._interrupt(live)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return sum(live.job.state == "queued" for live in self._live.values())

    @property
    def running(self) -> int:
        """How many jobs are worked on."""
        return len(self._live) - self.waiting

    @contextlib.asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Hold a place for a job whose video is still to come. Raises JobQueueFull or TooManyJobs."""
        if self._ending or self.waiting + self._uploading.total() >= self._settings.job_queue_length:
            raise JobQueueFull
        mine = sum(live.job.owner == owner for live in self._live.values()) + self._uploading[owner]
        if mine >= self._settings.job_max_per_key:
            raise TooManyJobs
        self._uploading[owner] += 1
        try:
            yield
        finally:
            self._uploading[owner] -= 1

    async def add(self, job: Job, task: wire.VideoTask, retry: Retry | None) -> Job:
        """Take on a job, whose video is the queue's from now on; return it, or what the same request made before.

        Raises IdempotencyKeyReused or JobsUnavailable. A caller who stops waiting does not stop it half-way.
        """
        return await asyncio.shield(asyncio.ensure_future(self._add(_Live(job, task), retry)))

    async def _add(self, live: _Live, retry: Retry | None) -> Job:
        try:
            kept = await self._keeper.call(self._store.add, live.job, retry)
        except BaseException:
            live.delete_video()
            raise
        if kept.id != live.job.id:
            live.delete_video()
            return await self.find(kept.id, kept.owner) or kept
        self._live[kept.id] = live
        live.work = asyncio.create_task(self._work(live))
        if self._ending:  # the video came to its end after the others were told
            await self._interrupt(live)
        return await self.find(kept.id, kept.owner) or kept

    async def knows(self, retry_key: bytes) -> bool:
        """Whether a request with this Idempotency-Key made a job that is still known. Raises JobsUnavailable."""
        return await self._keeper.call(self._store.knows, retry_key)

    async def repeated(self, retry: Retry) -> Job | None:
        """Return the job that the same request made before.

        Raises IdempotencyKeyReused when it was another one, or JobsUnavailable.
        """
        job = await self._keeper.call(self._store.repeated, retry)
        return None if job is None else await self.find(job.id, job.owner)

    async def find(self, job_id: str, owner: str) -> Job | None:
        """Return a job of this owner, None when there is none. Raises JobsUnavailable."""
        live = self._live.get(job_id)
        if live is not None and live.job.owner == owner:
            return self._seen(live)
        return await self._keeper.call(self._store.get, job_id, owner)

    async def news(self, job_id: str, owner: str, pause_s: float) -> AsyncIterator[Job | None]:
        """Yield the job as it is and at each change, None when nothing changed for pause_s.

        Ends with a job that is over, or when the job is removed. A slow reader misses what lay in between. Raises
        JobsUnavailable.
        """
        told: Job | None = None
        while True:
            changed = self._live[job_id].changed if job_id in self._live else asyncio.Event()
            job = await self.find(job_id, owner)
            if job is None:
                return
            yield None if job == told else job
            if job.is_over:
                return
            told = job
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await changed.wait()

    async def remove(self, job_id: str, owner: str) -> bool:
        """Cancel a job of this owner and forget it, its video and its result; False when there is none.

        Raises JobsUnavailable, with the job cancelled but still known.
        """
        live = self._live.get(job_id)
        if live is not None and live.job.owner == owner:
            await self._cancel(live)
        return await self._keeper.call(self._store.remove, job_id, owner)

    async def _work(self, live: _Live) -> None:
        """Bring one job to its end."""
        async with self._slots:
            ending = await self._measure(live)
        live.delete_video()
        await self._finish(live, ending)
        self.ended["failed" if isinstance(ending, Failure) else "done"] += 1
        self._forget(live)

    async def _measure(self, live: _Live) -> bytes | Failure:
        try:
            started_s = await self._keeper.call(self._store.begin, live.job.id)
            live.update(replace(live.job, state="running", started_s=started_s))
            outcome = await self._ask(live)
            return await asyncio.to_thread(self._render, outcome, live.job)
        except PoolError as error:
            return Failure(error.code, error.detail)
        except Exception as error:  # the outermost boundary of a job: nobody else would hear of it
            extra = {"request_id": live.job.request_id, "where": describe_error(error)}
            _LOG.error("a job failed", extra=extra)
            return Failure("internal_error")

    async def _finish(self, live: _Live, ending: bytes | Failure) -> None:
        """Store how a job ended, however often it takes; where there is no room for a result, it is that."""
        while True:
            try:
                return await self._keeper.call(self._store.finish, live.job.id, ending)
            except JobsUnavailable as error:
                _LOG.error("a job's end was not stored", extra={"where": describe_error(error)})
                if isinstance(error, JobsNotStored) and not isinstance(ending, Failure):
                    ending = Failure(error.code)
                else:
                    await asyncio.sleep(_DISK_PAUSE_S)

    def _forget(self, live: _Live) -> None:
        live.delete_video()
        self._live.pop(live.job.id, None)
        live.wake()

    async def _ask(self, live: _Live) -> Outcome:
        def note(progress: wire.Progress) -> None:
            live.update(replace(live.job, progress=progress))

        give_up_s = time.monotonic() + self._settings.job_timeout_s
        while True:
            try:
                return await self._pool.run(live.task, timeout_s=self._settings.job_timeout_s, on_progress=note)
            except QueueFull:  # of requests that somebody waits for: they go first
                if time.monotonic() > give_up_s:
                    raise
                await asyncio.sleep(_BUSY_PAUSE_S)

    def _seen(self, live: _Live) -> Job:
        """Return what is known of a job, and its place among those that wait."""
        if live.job.state != "queued":
            return live.job
        waiting = [other.job.id for other in self._live.values() if other.job.state == "queued"]
        return replace(live.job, position=waiting.index(live.job.id) + 1)

    async def _interrupt(self, live: _Live) -> None:
        with contextlib.suppress(JobsUnavailable):  # then the next service will say so
            await self._keeper.call(self._store.finish, live.job.id, Failure(INTERRUPTED))
        await self._cancel(live)

    async def _cancel(self, live: _Live) -> None:
        assert live.work is not None, "a job is worked on from the moment it is known"
        live.work.cancel()
        await asyncio.gather(live.work, return_exceptions=True)
        self._forget(live)


@contextlib.asynccontextmanager
async def open_jobs(settings: Settings, pool: Measurer, service: str, render: Render) -> AsyncIterator[JobQueue]:
    """Run the queue of the service of this name for the length of the block. Raises OSError or sqlite3.Error."""
    make_private(settings.data_dir)
    store = JobStore(settings.data_dir / "jobs.sqlite3", service, settings.job_ttl_s)
    async with keeping(store, settings.uploads_folder) as keeper:
        jobs = JobQueue(settings, pool, keeper, render)
        try:
            yield jobs
        finally:
            await jobs.stop(settings.shutdown_s)
