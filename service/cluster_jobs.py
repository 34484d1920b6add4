"""Jobs of a cluster: one actor of Ray on its first machine knows them all, and each replica asks it.

The actor holds the queue and the database that a single service has, and the videos; what measures them is the cluster.
With the first machine the actor comes again, and tells what it had not finished as interrupted.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from service import wire
from service.api.jobs import render_result
from service.api.uploads import UploadFolder
from service.cluster_tasks import PIECE_BYTES, TaskPool
from service.jobs.interface import Jobs
from service.jobs.job import Job, JobsNotStored, JobsUnavailable, Retry
from service.jobs.queue import JobQueue, open_jobs
from service.settings import Settings
from service.worker_handle import PoolError

_NAME = "facepulse-jobs"
_ON_FIRST_MACHINE = {"node:__internal_head__": 0.001}
_STALE_S = 600.0  # a video that came to a stop half-way: its replica is gone
_LOOK_EVERY_S = 0.5


class JobsActor:
    """The jobs of all replicas. Settings are those of the first machine's environment."""

    def __init__(self, estimator: str) -> None:
        self._estimator = estimator
        self._opening = asyncio.Lock()
        self._queue: JobQueue | None = None
        self._stack = contextlib.AsyncExitStack()

    async def _open(self) -> JobQueue:
        async with self._opening:
            if self._queue is None:
                cores = int(ray.cluster_resources().get("CPU", 1))
                settings = Settings()
                settings = settings.model_copy(update={"workers": (settings.job_workers or cores - 1) + 1})
                self._folder = UploadFolder(settings.uploads_folder)
                self._pool = TaskPool(self._estimator)
                opened = open_jobs(settings, self._pool, self._folder.path.name, render_result)
                self._queue = await self._stack.enter_async_context(opened)
            return self._queue

    async def ask(self, what: str, *arguments: Any) -> Any:
        """Call a method of the queue. Raises a JobRefused."""
        queue = await self._open()
        return await getattr(queue, what)(*arguments)

    async def check_place(self, owner: str) -> None:
        """Raise JobQueueFull or TooManyJobs when there is no place for a job."""
        async with (await self._open()).place(owner):
            pass

    async def receive(self, token: str, piece: bytes) -> None:
        """Take a piece of a video whose job is to come. Raises JobsNotStored."""
        await self._open()
        try:
            await asyncio.to_thread(self._append, token, piece)
        except OSError as error:
            raise JobsNotStored from error

    def _append(self, token: str, piece: bytes) -> None:
        for other in self._folder.path.glob("coming-*"):
            if other.stat().st_mtime < time.time() - _STALE_S:
                other.unlink(missing_ok=True)
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._coming(token), flags, 0o600), "ab", buffering=0) as file:
            file.write(piece)

    def _coming(self, token: str) -> Path:
        return self._folder.path / f"coming-{token}"

    async def forget(self, token: str) -> None:
        """Delete a video whose job does not come."""
        await self._open()
        self._coming(token).unlink(missing_ok=True)

    async def add(self, job: Job, task: wire.VideoTask, retry: Retry | None, token: str) -> Job:
        """Take on a job whose video is here. Raises a JobRefused."""
        queue = await self._open()
        video = self._coming(token)
        try:
            async with queue.place(job.owner):
                path = video.rename(video.with_name(f"job-{token}"))
                return await queue.add(job, replace(task, path=str(path)), retry)
        finally:
            video.unlink(missing_ok=True)

    async def read(self, token: str, offset: int) -> bytes:
        """Return a piece of the video of a task; none at its end. Raises KeyError for a job that was cancelled."""

        def read() -> bytes:
            with open(self._pool.videos[token], "rb") as file:
                file.seek(offset)
                return file.read(PIECE_BYTES)

        return await asyncio.to_thread(read)

    async def note(self, token: str, progress: wire.Progress) -> None:
        """Hear from a task how far it is."""
        self._pool.note(token, progress)


class ClusterJobs:
    """The jobs of the cluster as a replica sees them: asks the actor."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    @contextlib.asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """See whether there is a place now; `add` looks again. Raises JobQueueFull, TooManyJobs or JobsUnavailable."""
        await _answer(self._actor.check_place.remote(owner))
        yield

    async def add(self, job: Job, task: wire.VideoTask, retry: Retry | None) -> Job:
        """Hand a job and its video over. Raises a JobRefused."""
        token = token_hex(16)
        try:
            with open(task.path, "rb") as file:
                while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                    await _answer(self._actor.receive.remote(token, piece))
            added: Job = await _answer(self._actor.add.remote(job, task, retry, token))
            return added
        except BaseException:
            self._actor.forget.remote(token)
            raise
        finally:
            Path(task.path).unlink(missing_ok=True)

    async def knows(self, retry_key: bytes) -> bool:
        """Whether a request with this Idempotency-Key made a job that is still known. Raises JobsUnavailable."""
        return bool(await self._ask("knows", retry_key))

    async def repeated(self, retry: Retry) -> Job | None:
        """Return the job that the same request made before. Raises IdempotencyKeyReused or JobsUnavailable."""
        job: Job | None = await self._ask("repeated", retry)
        return job

    async def find(self, job_id: str, owner: str) -> Job | None:
        """Return a job of this owner. Raises JobsUnavailable."""
        job: Job | None = await self._ask("find", job_id, owner)
        return job

    async def news(self, job_id: str, owner: str, pause_s: float) -> AsyncIterator[Job | None]:
        """Yield the job as it is and at each change, None when nothing changed for pause_s. Raises JobsUnavailable."""
        told: Job | None = None
        told_s = time.monotonic()
        while (job := await self.find(job_id, owner)) is not None:
            if job != told or time.monotonic() - told_s >= pause_s:
                yield None if job == told else job
                told, told_s = job, time.monotonic()
            if job.is_over:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def remove(self, job_id: str, owner: str) -> bool:
        """Cancel a job of this owner and forget it; False when there is none. Raises JobsUnavailable."""
        return bool(await self._ask("remove", job_id, owner))

    async def _ask(self, what: str, *arguments: Any) -> Any:
        return await _answer(self._actor.ask.remote(what, *arguments))


async def _answer(asked: Any) -> Any:
    """Wait for the actor's answer; what it refuses is raised as it was there, its loss as JobsUnavailable."""
    try:
        return await asked
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, PoolError) else JobsUnavailable from error
    except RayActorError as error:
        raise JobsUnavailable from error


@contextlib.asynccontextmanager
async def open_cluster_jobs(estimator: str, *_: object) -> AsyncIterator[Jobs]:
    """Find the actor of this cluster, or start it."""
    actor = ray.remote(JobsActor).options(
        name=_NAME,
        namespace=_NAME,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        resources=_ON_FIRST_MACHINE,
        max_restarts=-1,
        max_concurrency=1000,
    )
    yield ClusterJobs(actor.remote(estimator))
