"""What a job is: its states, what is known of it, and why one is refused.

JobRefused                (a PoolError)
├── JobQueueFull          enough jobs wait already
├── TooManyJobs           this caller has enough unfinished jobs already
├── IdempotencyKeyReused  the key came with another video or other options before
└── JobsUnavailable       the database cannot be read or written: it is locked or damaged
    └── JobsNotStored     there is no room in it
"""

from dataclasses import dataclass, field
from typing import Literal

from service.wire import Progress
from service.worker_handle import PoolError

JobState = Literal["queued", "running", "done", "failed", "expired"]
INTERRUPTED = "interrupted"  # the code of a job whose service ended before it did
NO_PROGRESS = Progress(0.0, None, None)


class JobRefused(PoolError):
    """Base; the sentences are those of the table of problems."""

    code = "job_queue_full"
    detail = ""


class JobQueueFull(JobRefused):
    """Enough jobs wait already."""


class TooManyJobs(JobRefused):
    """This caller has enough unfinished jobs already."""

    code = "too_many_jobs"


class IdempotencyKeyReused(JobRefused):
    """The key came with another video or other options before."""

    code = "idempotency_key_reused"


class JobsUnavailable(JobRefused):
    """The database cannot be read or written: it is locked or damaged."""

    code = "jobs_unavailable"


class JobsNotStored(JobsUnavailable):
    """There is no room in the database."""

    code = "storage_full"


@dataclass(frozen=True, slots=True)
class Retry:
    """How a repeated request is known: a digest of the caller and its Idempotency-Key, one of options and video."""

    key: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed: a code of the problems, and a sentence of ours or nothing."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job; times are seconds since 1970.

    `owner` is the name of the key that made it. `result` is JSON, there only when it is done, `failure` only when it
    failed. `position` counts from 1, the job that is next; there only while it waits. upload_s, progress and position
    are not stored: only the service that has the video knows them.
    """

    id: str
    owner: str
    request_id: str
    state: JobState
    created_s: float
    started_s: float | None = None
    finished_s: float | None = None
    result: bytes | None = field(default=None, repr=False)
    failure: Failure | None = None
    upload_s: float = 0.0
    progress: Progress = NO_PROGRESS
    position: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in ("queued", "running")
