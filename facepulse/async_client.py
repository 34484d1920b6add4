"""The client for asyncio; the same methods as Client's, to be awaited, and live measurement."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from facepulse import calls, jobs, live
from facepulse.calls import Call, FaceChoice
from facepulse.client import TIMEOUT_S, URL
from facepulse.errors import FacePulseError
from facepulse.live import LiveAddress
from facepulse.live_results import LiveUpdate
from facepulse.results import HeartRateResult, Job, Model
from facepulse.retries import Retries
from facepulse.uploads import Video, frame_batch

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
        self._stream = LiveAddress(url, api_key, timeout_s, calls.is_local(url))
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
        """Measure a video: a path, an open binary file or its bytes. Also raises OSError when it cannot be read.

        A file that cannot seek, such as a pipe, is held in memory until the call is over.
        """
        return await self._do(calls.measure(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    async def measure_frames(
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
        return await self._do(calls.measure_frames(batch, cropped=cropped, model=model, face=face))

    async def submit(
        self,
        video: Video,
        *,
        model: str = "auto",
        face: FaceChoice = "largest",
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> Job:
        """Hand in a long video, as measure does, and return at once with the job that measures it."""
        return await self._do(calls.submit(video, model=model, face=face, start_s=start_s, duration_s=duration_s))

    async def job(self, job: Job | str) -> Job:
        """Return how a job (or the one of this id) is now; with its result once it is done."""
        return await self._do(calls.job(calls.id_of(job)))

    async def cancel(self, job: Job | str) -> None:
        """Stop a job if it runs, and delete its video and its result at once."""
        await self._do(calls.cancel(calls.id_of(job)))

    async def wait(
        self, job: Job | str, *, progress: jobs.Progress = False, timeout_s: float | None = None
    ) -> HeartRateResult:
        """Wait for a job's result; progress: True for a bar on stderr, or a function that is called with each state.

        Listens to the job's events, and asks every two seconds where they do not come through. Also raises JobFailed,
        and TookTooLong after timeout_s, while the job goes on.
        """
        deadline = jobs.Deadline(timeout_s)
        with jobs.shown(progress) as show:
            while True:
                async with aclosing(self._events(calls.id_of(job))) as states:
                    async for state in states:
                        deadline.check()
                        if state is not None:
                            show(state)
                state = await self.job(job)
                show(state)
                if state.is_over:
                    return jobs.result_of(state)
                deadline.check()
                await asyncio.sleep(jobs.ASK_AGAIN_S)

    async def live(
        self, frames: live.Frames, *, model: str = "auto", box: live.Box | None = None
    ) -> AsyncGenerator[LiveUpdate]:
        """Send (time_s, JPEG) frames as they come and yield an update about once a second, the last one at their end.

        frames: an iterator, blocking (as camera_frames() and file_frames()) or asynchronous; times are seconds on any
        clock. box: x0, y0, x1, y1 of the face in every frame where it is known, else the face is looked for.
        Also raises LiveEnded, and whatever reading the frames raises. Nothing is sent again once frames were sent.
        """
        socket = await self._again(lambda: live.open_stream(self._stream, model=model, box=box))
        async with aclosing(live.updates(socket, frames)) as updates:
            async for update in updates:
                yield update

    async def models(self) -> tuple[Model, ...]:
        """Return what the service can measure with, the default first."""
        return await self._do(calls.models())

    async def model(self, name: str) -> Model:
        """Return one model's facts; "auto" is the default."""
        return await self._do(calls.model(name))

    async def version(self) -> str:
        """Return the service's version."""
        return await self._do(calls.version())

    async def _events(self, job_id: str) -> AsyncGenerator[Job | None]:
        """Yield the job as its events tell, None for signs of life; end with the job, or when they do not come."""
        reader = jobs.EventReader()
        path, patience = f"{calls.job_path(job_id)}/events", httpx.Timeout(jobs.SILENCE_S)
        try:
            async with self._http.stream("GET", path, timeout=patience) as response:
                if not response.is_success:
                    return
                async for line in response.aiter_lines():
                    state = reader.feed(line)
                    yield state
                    if state is not None and state.is_over:
                        return
        except httpx.TransportError:
            return

    async def _do(self, call: Call[T]) -> T:
        return await self._again(lambda: self._try(call))

    async def _again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try, and as long as it is worth it try again."""
        for number in itertools.count(1):
            try:
                return await attempt()
            except FacePulseError as error:
                pause_s = calls.pause_s(self._retries, number, error)
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
