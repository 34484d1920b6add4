"""Everything that stands between a connection and the routes, in its order."""

import time
from collections.abc import Callable

from fastapi import FastAPI
from starlette.datastructures import Headers

from service.api.auth import KeyGuard, open_ring
from service.api.exchanges import BodyPatience
from service.api.limits import RateGuard, RateLimiter
from service.api.metrics import Metrics
from service.api.middleware import Finished, Listener, Measured, RequestGuard
from service.api.origins import OriginGuard
from service.jobs.job import Job
from service.settings import Settings
from service.telemetry import Deed, Traces


def add_guards(app: FastAPI, settings: Settings, metrics: Metrics, traces: Traces | None) -> None:
    """Surround the routes; the last added is the outermost. Raises KeysUnusable.

    Origins come before keys: a browser asks first, without the key, whether it may send one.
    """
    if settings.requests_per_minute:
        app.add_middleware(RateGuard, limiter=RateLimiter(settings.requests_per_minute, settings.request_burst))
    app.add_middleware(KeyGuard, ring=open_ring(settings))
    app.add_middleware(OriginGuard, origins=settings.cors_origins)
    patience = BodyPatience(settings.stall_timeout_s, settings.min_bytes_per_s, settings.upload_timeout_s)
    listeners = [_counting(metrics), *([_tracing(traces)] if traces else [])]
    app.add_middleware(RequestGuard, patience=patience, listeners=listeners)


def job_noter(metrics: Metrics, traces: Traces | None) -> Callable[[Measured, Job], None]:
    """Return what counts and traces the result of a job, whose request was over long ago; for any thread."""

    def note(result: Measured, job: Job) -> None:
        metrics.measured(result.timing_ms, result.confidence)
        if traces is not None:
            started_ns, seconds = round(job.created_s * 1e9), max(0.0, time.time() - job.created_s)
            attributes = {"request_id": job.request_id}
            traces.record(Deed("job", started_ns, seconds, attributes, timing_ms=result.timing_ms))

    return note


def _counting(metrics: Metrics) -> Listener:
    def count(finished: Finished) -> None:
        metrics.request_finished(finished)
        if finished.measured is not None:
            metrics.measured(finished.measured.timing_ms, finished.measured.confidence)

    return count


def _tracing(traces: Traces) -> Listener:
    def trace(finished: Finished) -> None:
        traces.record(
            Deed(
                name=f"{finished.method} {finished.route}",
                started_ns=finished.started_ns,
                seconds=finished.seconds,
                attributes={
                    "http.request.method": finished.method,
                    "http.route": finished.route,
                    "http.response.status_code": finished.status,
                    "request_id": finished.scope["facepulse.request_id"],
                },
                failed=finished.status >= 500,
                timing_ms=finished.measured.timing_ms if finished.measured else {},
                traceparent=Headers(scope=finished.scope).get("traceparent", ""),
            )
        )

    return trace
