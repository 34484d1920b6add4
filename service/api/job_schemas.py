"""What is said of a job over HTTP, and how it is said as server-sent events."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.api.problem_schemas import Problem
from service.api.problems import make_problem
from service.api.schema import Share
from service.api.schemas import HeartRateResult
from service.jobs.job import Job


class JobLinks(BaseModel):
    """Addresses of a job."""

    self: str
    events: str


class JobStatus(BaseModel):
    """A job. `result` is there once it is `done`, `problem` once it `failed`; both are gone when it is `expired`."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    id: str = Field(description="128 random bits; whoever made the job finds it under this, and nobody else.")
    state: Literal["queued", "running", "done", "failed", "expired"]
    position: int | None = Field(description="Place among the jobs that wait; 1 is next.")
    progress: Share = Field(description="Share of the video that is done; 0 while its length is not known.")
    bpm: float | None = Field(description="Heart rate so far, of the largest face; there while it runs.")
    confidence: Share | None = Field(description="How far to trust the heart rate so far.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When the result will be deleted.")
    links: JobLinks
    problem: Problem | None
    result: HeartRateResult | None

    @classmethod
    def of(cls, job: Job, ttl_s: float) -> Self:
        """Describe a job, without its result, which is JSON already."""
        running, address = job.state == "running", f"/v1/jobs/{job.id}"
        rate, confidence = job.progress.bpm, job.progress.confidence
        return cls(
            id=job.id,
            state=job.state,
            position=job.position,
            progress=1.0 if job.state == "done" else round(job.progress.share, 4),
            bpm=round(rate, 1) if running and rate is not None else None,
            confidence=round(confidence, 2) if running and confidence is not None else None,
            created_at=_time(job.created_s),
            started_at=_time_or_none(job.started_s),
            finished_at=_time_or_none(job.finished_s),
            expires_at=None if job.finished_s is None else _time(job.finished_s + ttl_s),
            links=JobLinks(self=address, events=f"{address}/events"),
            problem=make_problem(job.failure.code, job.request_id, detail=job.failure.detail) if job.failure else None,
            result=None,
        )


def job_json(job: Job, ttl_s: float, *, result: bool = True) -> bytes:
    """Return a job as JSON, its result put in as it was stored: parsing two hours of it takes long."""
    status = JobStatus.of(job, ttl_s)
    text = status.model_dump_json(exclude={"result"})
    told = job.result.decode() if result and job.result is not None else "null"
    return f'{text[:-1]},"result":{told}}}'.encode()


def event(name: str, data: bytes, *, last: bool = False) -> bytes:
    """Return one server-sent event; the last one's id tells a browser that reconnects that there is no more."""
    return b"%sevent: %s\ndata: %s\n\n" % (b"id: end\n" if last else b"", name.encode(), data)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _time_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)
