"""What handlers share: made in the lifespan, reached through Annotated dependencies."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service.api.middleware import note_result
from service.api.multipart import Form, FormRules, check_headers, read_form
from service.api.option_schemas import MeasureOptions
from service.api.problems import RequestRefused
from service.api.schemas import HeartRateResult
from service.api.uploads import UploadFile, UploadFolder
from service.settings import Settings
from service.worker_handle import QueueFull
from service.workers import Outcome, WorkerPool

T = TypeVar("T")
Options = TypeVar("Options", bound=MeasureOptions)
ReadBody = Callable[[AsyncIterator[bytes], UploadFile], Awaitable[Form]]


@dataclass(frozen=True, slots=True)
class Upload:
    """A received body: the file that took its files, one after the other, and how long it took to arrive.

    File i of the form lies at offsets[i] to offsets[i + 1]; fields are the other parts.
    """

    file: UploadFile
    fields: dict[str, str]
    offsets: tuple[int, ...]
    seconds: float


class Service:
    """The running service: settings, workers, uploads."""

    def __init__(self, settings: Settings, pool: WorkerPool, folder: UploadFolder) -> None:
        self.settings = settings
        self.pool = pool
        self.folder = folder
        self._uploading = 0
        self.leaving = False  # set once a load balancer should send nothing more
        self.stopping = asyncio.Event()  # set once the service is about to end: sessions close, streams too

    @property
    def uploading(self) -> int:
        """How many uploads are being received."""
        return self._uploading

    @contextlib.asynccontextmanager
    async def receive_upload(self, request: Request) -> AsyncIterator[Upload]:
        """Receive a form with a video that lives as long as the block. Raises RequestRefused or QueueFull."""
        rules = FormRules(self.settings.max_upload_bytes)
        boundary = check_headers(request.headers, rules)
        async with self.receive(request, lambda body, file: read_form(boundary, body, file, rules)) as upload:
            yield upload

    @contextlib.asynccontextmanager
    async def receive(self, request: Request, read: ReadBody) -> AsyncIterator[Upload]:
        """Receive a body by `read` into a file that lives as long as the block. Raises RequestRefused or QueueFull."""
        if self.pool.full:
            raise QueueFull  # before the client sends 200 MB in vain
        since = time.monotonic()
        async with self.folder.new_file() as file:
            with self.upload_place():
                form = await read(request.stream(), file)
            yield Upload(file, form.fields, form.offsets, time.monotonic() - since)

    @contextlib.contextmanager
    def upload_place(self) -> Iterator[None]:
        """Count as an upload for the length of the block. Raises RequestRefused when there are too many."""
        if self._uploading >= self.settings.max_uploads:
            raise RequestRefused("too_many_uploads")
        self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1


def merge_options(query: Options, fields: dict[str, str]) -> Options:
    """Let form fields win over query parameters. Raises RequestValidationError."""
    try:
        return type(query).model_validate({**query.model_dump(exclude_unset=True), **fields})
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from error


def measured(request: Request, outcome: Outcome, upload_s: float) -> Response:
    """Return a worker's answer with what only the service knows of it: what was waited for, and the request's id."""
    result = HeartRateResult.model_validate_json(outcome.body)
    waits = {"upload": round(1000 * upload_s, 1), "queue": round(1000 * outcome.queued_s, 1)}
    request_id = request.scope["facepulse.request_id"]
    result = result.model_copy(update={"timing_ms": waits | result.timing_ms, "request_id": request_id})
    note_result(request, result)
    return Response(result.to_json(), media_type="application/json")


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
