"""Assembles the service: settings, workers, uploads, routes; and runs it."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from types import FrameType
from typing import NoReturn, cast

import uvicorn
from fastapi import FastAPI

from service import logs
from service.api import errors, page
from service.api.docs import DescribedApp
from service.api.middleware import BodyPatience, RequestGuard
from service.api.routes import router
from service.api.state import Service
from service.api.uploads import UploadFolder
from service.protocol import Patience, patient_protocol
from service.settings import Settings
from service.wire import DEFAULT_ESTIMATOR
from service.workers import WorkerPool

_DESCRIPTION = "Heart rate from a video of a face. Nothing is kept: the video is deleted before the answer is sent."


def create_app(settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR) -> FastAPI:
    """Return the ASGI app; `estimator` (`module:callable`) is what the workers open."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        folder = UploadFolder(settings.data_dir)
        pool = WorkerPool(settings, estimator=estimator)
        pool.start()
        app.state.service = Service(settings, pool, folder)
        try:
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
    )
    app.include_router(router)
    app.include_router(page.router)
    errors.register(app)
    patience = BodyPatience(settings.stall_timeout_s, settings.min_bytes_per_s, settings.upload_timeout_s)
    app.add_middleware(RequestGuard, patience=patience)
    return app


def make_server(settings: Settings, *, estimator: str = DEFAULT_ESTIMATOR) -> uvicorn.Server:
    """Return a uvicorn server with our protocol and logs; no limit on connections, which health checks would meet."""
    patience = Patience(settings.header_timeout_s, settings.stall_timeout_s, settings.min_bytes_per_s)
    config = uvicorn.Config(
        create_app(settings, estimator=estimator),
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http=cast(type[asyncio.Protocol], patient_protocol(patience)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_s,
        h11_max_incomplete_event_size=settings.max_header_kb * 1024,
    )
    return uvicorn.Server(config)


def run(settings: Settings | None = None, *, estimator: str = DEFAULT_ESTIMATOR) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    signal.signal(signal.SIGTERM, _end_quietly)  # uvicorn raises the signal again once it has shut down
    with contextlib.suppress(KeyboardInterrupt):
        make_server(settings, estimator=estimator).run()


def _end_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    run()
