"""One worker process, seen from the service: start it, ask it, end it.

PoolError
├── QueueFull       no worker is free and enough requests wait, or this one waited too long
├── WorkerDied      the process ended in the middle of this request
├── TaskTimedOut    the request took longer than it may
└── TaskFailed      the worker answered with a named error: `code` of the pipeline's errors or `internal_error`
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from service import wire

_LOG = logging.getLogger("facepulse.workers")
# Threads beside the decoder's own would only fight for the core; secrets of the service's environment stay with it.
_ONE = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")
_WORKER_ENVIRONMENT = {**dict.fromkeys(_ONE, "1"), "MALLOC_ARENA_MAX": "2"}
_PROGRESS = TypeAdapter(wire.Progress)
_INHERITED = (
    *("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    "OPENBLAS_CORETYPE",  # a Jetson Nano needs it
)


class PoolError(Exception):
    """Base: `code` is stable and public, `detail` is a sentence of ours."""

    code = "internal_error"
    detail = "The request failed for a reason of ours."


class QueueFull(PoolError):
    """No worker is free and enough requests wait, or this one waited too long."""

    code = "queue_full"
    detail = "All workers are busy; try again later."


class WorkerDied(PoolError):
    """The process ended in the middle of this request."""

    code = "worker_died"
    detail = "The process that worked on this request ended; trying again may help."


class TaskTimedOut(PoolError):
    """The request took longer than it may."""

    code = "took_too_long"
    detail = "The video took longer than one request may take."


class TaskFailed(PoolError):
    """The worker answered with a named error."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


_ENDINGS: dict[type, str] = {WorkerDied: "died", TaskTimedOut: "timed_out", TaskFailed: "failed"}


class Worker:
    """One process and the service's end of its socket; does one task at a time."""

    def __init__(self, process: subprocess.Popen[bytes], on_death: Callable[["Worker"], None]) -> None:
        self.process = process
        self.healthy = True
        self.tasks_done = 0  # that it answered or refused by name
        self.at_work = False  # whether it has been asked anything
        self.ready = wire.Ready(())
        self.over = False  # nobody uses it any more, and nobody may
        self.on_over: Callable[[], None] = lambda: None
        self.gone = asyncio.Event()  # the process has ended
        self.why = ""  # it has to leave
        self._on_death = on_death
        self._inbox: asyncio.Queue[wire.Frame | None] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @classmethod
    async def start(cls, config: wire.WorkerConfig, timeout_s: float, on_death: Callable[["Worker"], None]) -> "Worker":
        """Start a process and wait until its models are warm. Raises WorkerDied, TaskTimedOut or TaskFailed."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "service.worker", str(theirs.fileno()), to_json(config).decode()]
            inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=inherited | _WORKER_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the service, which then ends its workers
            )
        worker = cls(process, on_death)
        try:
            reader, worker._writer = await asyncio.open_connection(sock=ours)
            worker._pump = asyncio.create_task(worker._receive(reader))
            async with deadline(timeout_s):
                frame = await worker.next_frame()
            if frame.kind != wire.READY:
                raise worker._failure(frame)
            worker.ready = TypeAdapter(wire.Ready).validate_json(frame.body)
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def leaving(self) -> bool:
        """Whether it gets no further task."""
        return bool(self.why)

    def leave(self, why: str) -> None:
        """Get no further task; the first reason counts."""
        self.why = self.why or why

    def finish(self) -> None:
        """Say that nobody uses it any more."""
        self.leave("died")
        self.over = True
        self.on_over()

    async def ask(
        self, task: wire.Task, timeout_s: float, on_progress: Callable[[wire.Progress], None] | None = None
    ) -> bytes:
        """Have one task done and return the answer's JSON; on_progress is told how far it is.

        Raises WorkerDied, TaskTimedOut or TaskFailed. Unless the worker itself said that it can go on it is no longer
        `healthy` afterwards; that includes a caller who stopped waiting.
        """
        self.begin_work()
        failure: BaseException | None = None
        try:
            self.send(wire.Frame.of_task(task))
            async with deadline(timeout_s):
                frame = await self.next_frame()
                while frame.kind == wire.PROGRESS:
                    _tell(on_progress, frame)
                    frame = await self.next_frame()
            return self.conclude(frame)
        except BaseException as error:
            failure = error
            raise
        finally:
            self.end_work(failure)

    def begin_work(self) -> None:
        """Be at work: not `healthy` until the worker itself says that it can go on."""
        self.healthy, self.at_work = False, True

    def end_work(self, failure: BaseException | None) -> None:
        """Be free again, or have to leave because of what failed."""
        if self.healthy:
            self.tasks_done += 1
        else:
            self.leave(_ENDINGS.get(type(failure), "abandoned"))

    def send(self, frame: wire.Frame) -> None:
        """Send a frame without waiting. Raises MessageTooLarge, or WorkerDied when the process is gone."""
        assert self._writer is not None, "a worker is asked only after its start"
        try:
            self._writer.write(frame.pack())
        except OSError as error:
            raise WorkerDied from error

    def conclude(self, frame: wire.Frame) -> bytes:
        """Take the last frame of a task or session and return its answer. Raises WorkerDied or TaskFailed."""
        if frame.kind == wire.RESULT:
            self.healthy = True
            return frame.body
        raise self._failure(frame)

    def _failure(self, frame: wire.Frame) -> PoolError:
        try:
            refusal = TypeAdapter(wire.Refusal).validate_json(frame.body)
        except ValidationError:
            return WorkerDied()
        self.healthy = frame.kind == wire.REFUSED
        if refusal.where:
            _LOG.error("worker failed", extra={"code": refusal.code, "where": refusal.where})
        return TaskFailed(refusal.code, refusal.detail)

    async def stop(self) -> None:
        """Kill the process and wait for its end; goes on when the caller is cancelled, and may be called again."""
        if self._end is None:
            self._end = asyncio.create_task(self._stop())
        await asyncio.shield(self._end)

    async def _stop(self) -> None:
        self.healthy = False
        self.process.kill()
        if self._pump is not None:
            self._pump.cancel()
            self._inbox.put_nowait(None)  # for whoever still waits for it
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        await asyncio.to_thread(self.process.wait)
        self.gone.set()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        """Bring frames in until the process is gone, which a socket tells at once."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._inbox.put_nowait(await wire.read_frame(reader))
        self.healthy = False
        self._inbox.put_nowait(None)
        self._on_death(self)

    async def next_frame(self) -> wire.Frame:
        """Return what the worker says next. Raises WorkerDied or TaskTimedOut (its CPU time) when it ended."""
        frame = await self._inbox.get()
        if frame is None:
            self.process.kill()  # it hung up; if it is not dead yet it is of no use any more
            status = await asyncio.to_thread(self.process.wait)
            raise TaskTimedOut if status == -signal.SIGXCPU else WorkerDied
        return frame


def _tell(on_progress: Callable[[wire.Progress], None] | None, frame: wire.Frame) -> None:
    try:
        progress = _PROGRESS.validate_json(frame.body)
    except ValidationError as error:
        raise WorkerDied from error
    if on_progress is not None:
        on_progress(progress)


@contextlib.asynccontextmanager
async def deadline(timeout_s: float) -> AsyncIterator[None]:
    """Let the block take so long. Raises TaskTimedOut."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise TaskTimedOut from error
