"""Assembles the service: settings, workers, uploads, routes; and runs it."""

import asyncio
import contextlib
import functools
import signal
import socket
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from types import FrameType
from typing import NoReturn, cast

import uvicorn
from fastapi import FastAPI

from service import logs
from service.api import errors, frames, jobs, metrics, page, stream
from service.api.docs import DescribedApp
from service.api.guards import add_guards, job_noter
from service.api.routes import router
from service.api.state import Service
from service.api.uploads import UploadFolder
from service.jobs.queue import open_jobs
from service.keys import KeysUnusable
from service.observation import observing
from service.protocol import Patience, patient_protocol, patient_websocket
from service.settings import Settings
from service.telemetry import FRAMEWORK_SILENT, TelemetryUnavailable, Traces
from service.wire import DEFAULT_ESTIMATOR
from service.workers import WorkerPool

_DESCRIPTION = "Heart rate from a video of a face. Nothing is kept: the video is deleted before the answer is sent."


def create_app(settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR) -> FastAPI:
    """Return the ASGI app; `estimator` (`module:callable`) is what the workers open.

    Raises KeysUnusable, also when strangers could reach it without a key, or TelemetryUnavailable.
    """
    traces = Traces(settings.otlp_endpoint) if settings.otlp_endpoint else None

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        folder = UploadFolder(settings.data_dir)
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
                yield
        finally:
            await pool.stop()
            folder.close()

    app = DescribedApp(
        title="FacePulse",
        version=version("facepulse"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        **FRAMEWORK_SILENT,
    )
    app.include_router(router)
    app.include_router(frames.router)
    app.include_router(jobs.router)
    app.include_router(page.router)
    app.include_router(stream.router)
    if settings.metrics and not settings.metrics_port:
        app.include_router(metrics.router)
    errors.register(app)
    app.state.metrics = metrics.Metrics()
    add_guards(app, settings, app.state.metrics, traces)
    return app


def make_server(settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR) -> uvicorn.Server:
    """Return a uvicorn server with our protocol and logs; no limit on connections, which health checks would meet."""
    patience = Patience(settings.header_timeout_s, settings.stall_timeout_s, settings.min_bytes_per_s)
    app = create_app(settings, estimator=estimator)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
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
        timeout_graceful_shutdown=settings.shutdown_s,
        h11_max_incomplete_event_size=settings.max_header_kb * 1024,
    )
    return _Server(config, app, settings.shutdown_s)


class _Server(uvicorn.Server):
    """Tells the jobs of the end together with the connections, some of which wait for jobs."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, shutdown_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._jobs_grace_s = 0.8 * shutdown_s  # the rest is for telling whoever listens

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End everything within the grace time."""
        ending = asyncio.create_task(self._app.state.jobs.stop(self._jobs_grace_s))
        await super().shutdown(sockets)
        await ending


def run(settings: Settings | None = None, *, estimator: str = DEFAULT_ESTIMATOR) -> None:
    """Serve until SIGTERM or Ctrl-C; exits with 2 and a sentence when keys or telemetry cannot be as they are set."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    signal.signal(signal.SIGTERM, _end_quietly)  # uvicorn raises the signal again once it has shut down
    try:
        server = make_server(settings, estimator=estimator)
    except (KeysUnusable, TelemetryUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _end_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    run()
