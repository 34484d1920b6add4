"""What the API needs of jobs, and jobs of whoever measures: here or in a cluster."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from service import wire
from service.jobs.job import Job, Retry
from service.settings import Settings
from service.workers import Outcome, WorkerPool

Render = Callable[[Outcome, Job], bytes]


class Measurer(Protocol):
    """Has a task done."""

    async def run(
        self,
        task: wire.Task,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[wire.Progress], None] | None = None,
    ) -> Outcome:
        """As `WorkerPool.run`. Raises a PoolError."""
        ...


class Jobs(Protocol):
    """The jobs as the API sees them; `service.jobs.queue.JobQueue` says what each call does."""

    def place(self, owner: str) -> AbstractAsyncContextManager[None]:
        """Hold a place for a job whose video is still to come. Raises JobQueueFull, TooManyJobs or JobsUnavailable."""
        ...

    async def add(self, job: Job, task: wire.VideoTask, retry: Retry | None) -> Job:
        """Take on a job and its video. Raises a JobRefused."""
        ...

    async def knows(self, retry_key: bytes) -> bool:
        """Whether a request with this Idempotency-Key made a job that is still known. Raises JobsUnavailable."""
        ...

    async def repeated(self, retry: Retry) -> Job | None:
        """Return the job that the same request made before. Raises IdempotencyKeyReused or JobsUnavailable."""
        ...

    async def find(self, job_id: str, owner: str) -> Job | None:
        """Return a job of this owner. Raises JobsUnavailable."""
        ...

    def news(self, job_id: str, owner: str, pause_s: float) -> AsyncIterator[Job | None]:
        """Yield the job as it is and at each change, None when nothing changed for pause_s."""
        ...

    async def remove(self, job_id: str, owner: str) -> bool:
        """Cancel a job of this owner and forget it; False when there is none. Raises JobsUnavailable."""
        ...


OpenJobs = Callable[[Settings, WorkerPool, str, Render], AbstractAsyncContextManager[Jobs]]
