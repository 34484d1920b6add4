"""Watching the running service: what metrics read of it, their own port when they have one, the last traces."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import uvicorn
from fastapi import FastAPI

from service.api import errors
from service.api import metrics as metrics_api
from service.api.exchanges import BodyPatience
from service.api.metrics import Metrics
from service.api.middleware import RequestGuard
from service.api.state import Service
from service.jobs.interface import Jobs
from service.jobs.queue import JobQueue
from service.protocol import Patience, patient_protocol
from service.settings import Settings
from service.telemetry import FRAMEWORK_SILENT, Traces

_LOG = logging.getLogger("facepulse.metrics")
_MOST_SCRAPERS = 64


@contextlib.asynccontextmanager
async def observing(
    settings: Settings, service: Service, jobs: Jobs, metrics: Metrics, traces: Traces | None
) -> AsyncIterator[None]:
    """Observe the service for the length of the block. Raises OSError when the metrics' own port is taken."""
    pool = service.pool
    metrics.watch(
        workers=lambda: {"warm": pool.warm, "busy": pool.busy},
        queue_depth=lambda: pool.waiting,
        worker_restarts=lambda: pool.restarts,
        uploads_in_progress=lambda: service.uploading,
    )
    if isinstance(jobs, JobQueue):  # those of a cluster belong to no single service
        _watch_jobs(jobs, metrics)
    try:
        async with _own_port(settings, metrics):
            yield
    finally:
        if traces is not None:
            await asyncio.to_thread(traces.close)


def _watch_jobs(jobs: JobQueue, metrics: Metrics) -> None:
    metrics.watch(
        jobs=lambda: {"queued": jobs.waiting, "running": jobs.running},
        jobs_ended=lambda: jobs.ended,
    )


@contextlib.asynccontextmanager
async def _own_port(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    if not (settings.metrics and settings.metrics_port):
        yield
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.create_server(
        (settings.host, settings.metrics_port), family=family, backlog=_MOST_SCRAPERS
    ) as listening:
        server = _Beside(_config(settings, metrics))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        _LOG.info("metrics have a port of their own", extra={"port": listening.getsockname()[1]})
        try:
            yield
        finally:
            server.should_exit = True
            await serving


def _config(settings: Settings, metrics: Metrics) -> uvicorn.Config:
    patience = Patience(settings.header_timeout_s, settings.stall_timeout_s, settings.min_bytes_per_s, _MOST_SCRAPERS)
    return uvicorn.Config(
        _metrics_app(metrics),
        backlog=_MOST_SCRAPERS,
        loop="none",
        http=cast(type[asyncio.Protocol], patient_protocol(patience)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=settings.max_header_kb * 1024,
    )


def _metrics_app(metrics: Metrics) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, **FRAMEWORK_SILENT)
    app.state.metrics = metrics
    app.include_router(metrics_api.router)
    errors.register(app)
    app.add_middleware(RequestGuard, patience=BodyPatience())
    return app


class _Beside(uvicorn.Server):
    """A second server in the process: signals belong to the first, and so does the line that says where it listens."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    def _log_started_message(self, _listeners: object) -> None:
        """Say nothing."""
