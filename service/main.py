"""Assembles the service: settings, workers, uploads, routes; and runs it."""

import asyncio
import contextlib
import functools
import signal
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from types import FrameType
from typing import NoReturn, cast

import uvicorn
from fastapi import FastAPI

from service import logs
from service.api import errors, frames, heart_rate, jobs, metrics, models, operations, page, stream
from service.api.description import DescribedApp, operation_name
from service.api.guards import add_guards, job_noter
from service.api.state import Service
from service.api.stopping import StoppingGuard
from service.api.uploads import UploadFolder
from service.jobs.interface import OpenJobs
from service.jobs.queue import open_jobs as open_own_jobs
from service.keys import KeysUnusable
from service.observation import observing
from service.protocol import Patience, patient_protocol
from service.server import BACKLOG, PatientServer, on_hangup, room_for, told_in_words
from service.settings import Settings
from service.socket_protocol import patient_websocket
from service.telemetry import FRAMEWORK_SILENT, TelemetryUnavailable, Traces
from service.wire import DEFAULT_ESTIMATOR
from service.workers import WorkerPool

_DESCRIPTION = (
    "Heart rate from a video of a face. Nothing is kept: a video is deleted before the answer is sent, that of a job "
    "as soon as it is measured; the result of a job is deleted on demand, or after an hour.\n\n"
    "Live video goes over the WebSocket /v1/stream: a message for each frame, with its capture time as a big-endian "
    "float64 in seconds and a JPEG behind it; about once a second an update comes back as JSON."
)
_OTHER_FILES = 128  # the jobs' database, the log, connections to the metrics' own port


def create_app(
    settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR, open_jobs: OpenJobs = open_own_jobs
) -> FastAPI:
    """Return the ASGI app; `estimator` (`module:callable`) is what the workers open, `open_jobs` who keeps the jobs.

    Raises KeysUnusable, also when strangers could reach it without a key, or TelemetryUnavailable.
    """
    traces = Traces(settings.otlp_endpoint) if settings.otlp_endpoint else None
    app = DescribedApp(
        title="FacePulse",
        version=version("facepulse"),
        description=_DESCRIPTION,
        lifespan=functools.partial(_lifespan, settings, estimator, open_jobs, traces),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_name,
        **FRAMEWORK_SILENT,
    )
    app.state.metrics = metrics.Metrics()
    _add_addresses(app, settings)
    errors.register(app)
    app.add_middleware(StoppingGuard)
    add_guards(app, settings, app.state.metrics, traces)
    return app


def _add_addresses(app: FastAPI, settings: Settings) -> None:
    for addresses in (heart_rate, frames, jobs, stream, models, operations, page):
        app.include_router(addresses.router)
    if settings.metrics and not settings.metrics_port:
        app.include_router(metrics.router)


@contextlib.asynccontextmanager
async def _lifespan(
    settings: Settings, estimator: str, open_jobs: OpenJobs, traces: Traces | None, app: FastAPI
) -> AsyncIterator[None]:
    with told_in_words():
        async with _running(settings, estimator, open_jobs, traces, app):
            yield


@contextlib.asynccontextmanager
async def _running(
    settings: Settings, estimator: str, open_jobs: OpenJobs, traces: Traces | None, app: FastAPI
) -> AsyncIterator[None]:
    """Run what the app needs for the length of the block: uploads, workers, live sessions, jobs, observation."""
    folder = UploadFolder(settings.uploads_folder)
    pool = WorkerPool(settings, estimator=estimator)
    pool.start()
    app.state.service = Service(settings, pool, folder)
    app.state.live = stream.LivePlaces(settings)
    app.state.metrics.watch(live_sessions=lambda: app.state.live.open)
    render = functools.partial(jobs.render_result, note=job_noter(app.state.metrics, traces))
    try:
        async with (
            open_jobs(settings, pool, folder.path.name, render) as app.state.jobs,
            observing(settings, app.state.service, app.state.jobs, app.state.metrics, traces),
        ):
            with on_hangup(pool.reload_soon):
                yield
    finally:
        await pool.stop()
        folder.close()


def make_server(settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR) -> uvicorn.Server:
    """Return a uvicorn server with our protocol and logs; not with its limit, which health checks would meet."""
    connections = room_for(settings.max_connections, settings.max_uploads + 4 * settings.workers + _OTHER_FILES)
    patience = Patience(settings.header_timeout_s, settings.stall_timeout_s, settings.min_bytes_per_s, connections)
    app = create_app(settings, estimator=estimator)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        backlog=BACKLOG,
        loop="asyncio",
        http=cast(type[asyncio.Protocol], patient_protocol(patience)),
        ws=cast(type[asyncio.Protocol], patient_websocket(patience)),
        ws_max_size=settings.live_max_message_bytes,
        ws_per_message_deflate=False,  # pictures are compressed already, and bombs are not
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        h11_max_incomplete_event_size=settings.max_header_kb * 1024,
    )
    return PatientServer(config, app, settings.shutdown_s, settings.drain_s)


def run(settings: Settings | None = None, *, estimator: str = DEFAULT_ESTIMATOR) -> None:
    """Serve until SIGTERM or Ctrl-C; exits with 2 and a sentence when it cannot start with these settings."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    signal.signal(signal.SIGTERM, _end_quietly)  # until the server listens to it
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        server = make_server(settings, estimator=estimator)
    except (KeysUnusable, TelemetryUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:  # of the server's own codes there is one, for a start that failed
        sys.exit(2 if end.code else 0)


def _end_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    run()
