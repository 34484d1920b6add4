"""The blocking client. AsyncClient has the same methods, and the live ones."""

import itertools
import time
from types import TracebackType
from typing import Self, TypeVar

import httpx

from facepulse import calls
from facepulse.calls import Call, FaceChoice
from facepulse.errors import FacePulseError
from facepulse.results import HeartRateResult, Model
from facepulse.retries import Retries
from facepulse.uploads import Video

T = TypeVar("T")
TIMEOUT_S = 120.0  # longer than the service itself lets a request wait and work
URL = "http://127.0.0.1:8000"


class Client:
    """Calls one service; a context manager. May be used from several threads.

    url: address of the service. api_key: sent as a bearer token. timeout_s: longest silence within a call.
    retries: what to do when the service is full or out of reach. Every method raises a FacePulseError.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        self._http = httpx.Client(**calls.http_options(url, api_key, timeout_s))
        self._retries = retries or Retries()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def measure(
        self,
        video: Video,
        *,
        model: str = "auto",
        face: FaceChoice = "largest",
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> HeartRateResult:
        """Measure a video: a path, an open binary file or its bytes. Also raises OSError when it cannot be read."""
        return self._do(calls.measure(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    def models(self) -> tuple[Model, ...]:
        """Return what the service can measure with, the default first."""
        return self._do(calls.models())

    def model(self, name: str) -> Model:
        """Return one model's facts; "auto" is the default."""
        return self._do(calls.model(name))

    def version(self) -> str:
        """Return the service's version."""
        return self._do(calls.version())

    def _do(self, call: Call[T]) -> T:
        for attempt in itertools.count(1):
            try:
                return self._try(call)
            except FacePulseError as error:
                pause_s = calls.pause_s(self._retries, attempt, error)
                if pause_s is None:
                    raise
                time.sleep(pause_s)
        raise AssertionError("count() does not end")

    def _try(self, call: Call[T]) -> T:
        with call.prepared() as arguments:
            try:
                response = self._http.request(**arguments)
            except httpx.TransportError as error:
                raise calls.transport_error(error) from error
        return calls.read_answer(call, response)
