"""The client for asyncio; the same methods as Client's, to be awaited, and live measurement."""

import asyncio
import itertools
from types import TracebackType
from typing import Self, TypeVar

import httpx

from facepulse import calls
from facepulse.calls import Call, FaceChoice
from facepulse.client import TIMEOUT_S, URL
from facepulse.errors import FacePulseError
from facepulse.results import HeartRateResult, Model
from facepulse.retries import Retries
from facepulse.uploads import Video

T = TypeVar("T")


class AsyncClient:
    """Calls one service; an asynchronous context manager. Arguments and errors as Client's."""

    def __init__(
        self,
        url: str = URL,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**calls.http_options(url, api_key, timeout_s))
        self._retries = retries or Retries()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def measure(
        self,
        video: Video,
        *,
        model: str = "auto",
        face: FaceChoice = "largest",
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> HeartRateResult:
        """Measure a video: a path, an open binary file or its bytes. Also raises OSError when it cannot be read."""
        return await self._do(calls.measure(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    async def models(self) -> tuple[Model, ...]:
        """Return what the service can measure with, the default first."""
        return await self._do(calls.models())

    async def model(self, name: str) -> Model:
        """Return one model's facts; "auto" is the default."""
        return await self._do(calls.model(name))

    async def version(self) -> str:
        """Return the service's version."""
        return await self._do(calls.version())

    async def _do(self, call: Call[T]) -> T:
        for attempt in itertools.count(1):
            try:
                return await self._try(call)
            except FacePulseError as error:
                pause_s = calls.pause_s(self._retries, attempt, error)
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError("count() does not end")

    async def _try(self, call: Call[T]) -> T:
        with call.prepared() as arguments:
            try:
                response = await self._http.request(**arguments)
            except httpx.TransportError as error:
                raise calls.transport_error(error) from error
        return calls.read_answer(call, response)
