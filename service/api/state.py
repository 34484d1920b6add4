"""What handlers share: made in the lifespan, reached through Annotated dependencies."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from service.api.multipart import check_headers, read_form
from service.api.problems import RequestRefused
from service.api.uploads import UploadFile, UploadFolder
from service.settings import Settings
from service.worker_handle import QueueFull
from service.workers import WorkerPool

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """A received form: the video's file, the other fields, how long it took to arrive."""

    file: UploadFile
    fields: dict[str, str]
    seconds: float


class Service:
    """The running service: settings, workers, uploads."""

    def __init__(self, settings: Settings, pool: WorkerPool, folder: UploadFolder) -> None:
        self.settings = settings
        self.pool = pool
        self._folder = folder
        self._uploading = 0

    @contextlib.asynccontextmanager
    async def receive_upload(self, request: Request) -> AsyncIterator[Upload]:
        """Receive a form with a file that lives as long as the block. Raises RequestRefused or QueueFull."""
        boundary = check_headers(request.headers, self.settings.max_upload_bytes)
        if self.pool.full:
            raise QueueFull  # before the client sends 200 MB in vain
        since = time.monotonic()
        async with self._folder.new_file() as file:
            with self._upload_place():
                fields = await read_form(boundary, request.stream(), file, self.settings.max_upload_bytes)
            yield Upload(file, fields, time.monotonic() - since)

    @contextlib.contextmanager
    def _upload_place(self) -> Iterator[None]:
        if self._uploading >= self.settings.max_uploads:
            raise RequestRefused("too_many_uploads")
        self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1


async def unless_gone(request: Request, work: Coroutine[None, None, T]) -> T:
    """Await work, but cancel it and raise ClientDisconnect when the client hangs up before."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
