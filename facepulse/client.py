"""The blocking client. AsyncClient has the same methods, and the live ones."""

import itertools
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from facepulse import calls, jobs
from facepulse.calls import Call, FaceChoice
from facepulse.errors import FacePulseError
from facepulse.results import HeartRateResult, Job, Model
from facepulse.retries import Retries
from facepulse.uploads import Video, frame_batch

T = TypeVar("T")
TIMEOUT_S = 180.0  # longer than the service itself lets a request wait and work
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
        """Measure a video: a path, an open binary file or its bytes. Also raises OSError when it cannot be read.

        A file that cannot seek, such as a pipe, is held in memory until the call is over.
        """
        return self._do(calls.measure(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    def measure_frames(
        self,
        frames: Iterable[Any],
        *,
        timestamps_s: Sequence[float] | None = None,
        fps: float | None = None,
        cropped: bool = False,
        model: str = "auto",
        face: FaceChoice = "largest",
    ) -> HeartRateResult:
        """Measure frames: JPEG or PNG files as bytes, or uint8 arrays (height, width, 3) of one size, RGB.

        Each has a time in seconds, or all come at `fps`. cropped: they show a face and nothing else: squares 1.6 times
        its longer side. Also raises ValueError for what are no frames.
        """
        batch = frame_batch(frames, timestamps_s=timestamps_s, fps=fps)
        return self._do(calls.measure_frames(batch, cropped=cropped, model=model, face=face))

    def submit(
        self,
        video: Video,
        *,
        model: str = "auto",
        face: FaceChoice = "largest",
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> Job:
        """Hand in a long video, as measure does, and return at once with the job that measures it."""
        return self._do(calls.submit(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    def job(self, job: Job | str) -> Job:
        """Return how a job (or the one of this id) is now; with its result once it is done."""
        return self._do(calls.job(calls.id_of(job)))

    def cancel(self, job: Job | str) -> None:
        """Stop a job if it runs, and delete its video and its result at once."""
        self._do(calls.cancel(calls.id_of(job)))

    def wait(
        self, job: Job | str, *, progress: jobs.Progress = False, timeout_s: float | None = None
    ) -> HeartRateResult:
        """Wait for a job's result; progress: True for a bar on stderr, or a function that is called with each state.

        Listens to the job's events, and asks every two seconds where they do not come through. Also raises JobFailed,
        and TookTooLong after timeout_s, while the job goes on.
        """
        deadline = jobs.Deadline(timeout_s)
        with jobs.shown(progress) as show:
            while True:
                with closing(self._events(calls.id_of(job))) as states:
                    for state in states:
                        deadline.check()
                        if state is not None:
                            show(state)
                state = self.job(job)
                show(state)
                if state.is_over:
                    return jobs.result_of(state)
                deadline.check()
                time.sleep(jobs.ASK_AGAIN_S)

    def models(self) -> tuple[Model, ...]:
        """Return what the service can measure with, the default first."""
        return self._do(calls.models())

    def model(self, name: str) -> Model:
        """Return one model's facts; "auto" is the default."""
        return self._do(calls.model(name))

    def version(self) -> str:
        """Return the service's version."""
        return self._do(calls.version())

    def _events(self, job_id: str) -> Generator[Job | None]:
        """Yield the job as its events tell, None for signs of life; end with the job, or when they do not come."""
        reader = jobs.EventReader()
        path, patience = f"{calls.job_path(job_id)}/events", httpx.Timeout(jobs.SILENCE_S)
        try:
            with self._http.stream("GET", path, timeout=patience) as response:
                if not response.is_success:
                    return
                for line in response.iter_lines():
                    state = reader.feed(line)
                    yield state
                    if state is not None and state.is_over:
                        return
        except httpx.TransportError:
            return

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
