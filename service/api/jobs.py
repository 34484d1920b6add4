"""The addresses of jobs: submit a long video, ask for it, listen to it, cancel it."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from service.api import examples
from service.api.job_schemas import JobStatus, event, job_json
from service.api.job_submission import Submission
from service.api.middleware import Measured
from service.api.option_schemas import HeartRateOptions
from service.api.problems import RequestRefused
from service.api.schemas import HeartRateResult
from service.api.state import Service, ServiceDep
from service.jobs.interface import Jobs
from service.jobs.job import Job
from service.workers import Outcome

ASK_AGAIN_S = 2
HEARTBEAT_S = 10.0

router = APIRouter(tags=["jobs"])


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _owner(request: Request) -> str:
    return str(request.scope.get("facepulse.key", ""))


JobsDep = Annotated[Jobs, Depends(_jobs)]
OwnerDep = Annotated[str, Depends(_owner)]
RetryKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same key with the same video and options is the same job, however often it is sent.",
    ),
]


@router.post(
    "/v1/jobs",
    status_code=202,
    summary="Submit a long video",
    response_model=JobStatus,
    responses=examples.JOB_RESPONSES,
    openapi_extra=examples.JOB_BODY,
)
async def create_job(
    request: Request,
    query: Annotated[HeartRateOptions, Query()],
    service: ServiceDep,
    jobs: JobsDep,
    owner: OwnerDep,
    idempotency_key: RetryKey = None,
) -> Response:
    """Take a video as `/v1/heart-rate` does, up to 2 hours long, and answer at once with a job that measures it.

    The video is deleted as soon as it is processed, failed or cancelled, the result an hour after the job ended.
    """
    submission = Submission(request, query, service, owner, idempotency_key)
    key = submission.retry_key
    if key is not None and await jobs.knows(key):
        job = await submission.repeat(jobs)
    else:
        async with jobs.place(owner):
            job = await submission.submit(jobs)
    return _answer(job, service, status=202, headers={"Location": f"/v1/jobs/{job.id}"})


@router.get("/v1/jobs/{job_id}", summary="Ask for a job", response_model=JobStatus, responses=examples.JOB_FOUND)
async def get_job(job_id: str, service: ServiceDep, jobs: JobsDep, owner: OwnerDep) -> Response:
    """Return the job's state, how far it is with the heart rate so far, and its result or problem once it has one."""
    return _answer(await _find(jobs, job_id, owner), service)


@router.get(
    "/v1/jobs/{job_id}/events",
    summary="Listen to a job",
    response_class=StreamingResponse,
    responses=examples.JOB_EVENTS_RESPONSES,
)
async def get_job_events(
    job_id: str,
    service: ServiceDep,
    jobs: JobsDep,
    owner: OwnerDep,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Send server-sent events: `state` now and at each change, `progress` in between, `result` at the end.

    `gone` ends the stream of a job that was deleted. A comment comes at least every 10 s.
    """
    await _find(jobs, job_id, owner)
    if last_event_id == "end":  # a browser reconnects until it is told so
        return Response(status_code=204)
    stream = _events(jobs, job_id, owner, service.settings.job_ttl_s)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.delete(
    "/v1/jobs/{job_id}", status_code=204, summary="Cancel and delete a job", responses=examples.JOB_NOT_FOUND
)
async def delete_job(job_id: str, jobs: JobsDep, owner: OwnerDep) -> None:
    """Stop the job if it runs, and delete its video and its result at once."""
    if not await jobs.remove(job_id, owner):
        raise RequestRefused("not_found")


def render_result(outcome: Outcome, job: Job, note: Callable[[Measured, Job], None] | None = None) -> bytes:
    """Return the result that is kept: the worker's answer with the times before it, and the request's id.

    `note` hears of it, for metrics and traces.
    """
    result = HeartRateResult.model_validate_json(outcome.body)
    queued_s = (job.started_s or job.created_s) - job.created_s + outcome.queued_s
    waits = {"upload": round(1000 * job.upload_s, 1), "queue": round(1000 * queued_s, 1)}
    told = result.model_copy(update={"timing_ms": waits | result.timing_ms, "request_id": job.request_id})
    if note is not None:
        note(told, job)
    return told.to_json().encode()


async def _find(jobs: Jobs, job_id: str, owner: str) -> Job:
    job = await jobs.find(job_id, owner)
    if job is None:
        raise RequestRefused("not_found")
    return job


def _answer(job: Job, service: Service, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    again = {} if job.is_over else {"Retry-After": str(ASK_AGAIN_S)}
    body = job_json(job, service.settings.job_ttl_s)
    return Response(body, status, {**again, **(headers or {})}, media_type="application/json")


async def _events(jobs: Jobs, job_id: str, owner: str, ttl_s: float) -> AsyncIterator[bytes]:
    """Yield a job's events until it is over or gone."""
    told: Job | None = None
    async for job in jobs.news(job_id, owner, HEARTBEAT_S):
        if job is None:
            yield b":\n\n"
            continue
        same_state = told is not None and (told.state, told.position) == (job.state, job.position)
        last = job.is_over and job.result is None
        yield event("progress" if same_state else "state", job_json(job, ttl_s, result=False), last=last)
        if job.result is not None:
            yield event("result", job.result, last=True)
        told = job
    if told is None or not told.is_over:
        yield event("gone", b"{}", last=True)
