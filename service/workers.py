"""The pool of worker processes: who works, who waits, who is replaced.

Each worker has a socket of its own, so that one that dies, even in the middle of a message, takes nothing with it but
the request it had. (pebble's ProcessPool shares one pipe and its locks among all workers: a worker killed while it
holds them stalls the others for a minute, and an idle one that dies breaks the pool.)
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from service import wire
from service.settings import Settings
from service.worker_handle import PoolError, QueueFull, Worker
from service.worker_session import Session

_LOG = logging.getLogger("facepulse.workers")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A worker's answer (JSON) and how long the request waited for a worker, in seconds."""

    body: bytes
    queued_s: float


class WorkerPool:
    """A fixed number of workers, each replaced when it fails, and a bounded queue before them."""

    def __init__(self, settings: Settings, *, estimator: str = wire.DEFAULT_ESTIMATOR) -> None:
        self._settings = settings
        self._config = wire.WorkerConfig(
            model_store=str(settings.model_store.absolute()),
            limits=settings.decode_limits,
            parent_pid=os.getpid(),
            memory_mb=settings.worker_memory_mb,
            cpu_s=settings.worker_cpu_s,
            file_mb=settings.worker_file_mb,
            open_files=settings.worker_open_files,
            estimator=estimator,
        )
        self._idle: deque[Worker] = deque()
        self._busy: set[Worker] = set()
        self._alive: set[Worker] = set()  # every process that is not known to have ended
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._chores: set[asyncio.Task[None]] = set()
        self._closing = False
        self.ready = wire.Ready((), "")
        self.restarts = 0  # workers that were replaced, whyever

    @property
    def warm(self) -> int:
        """How many workers are ready or at work."""
        return len(self._idle) + len(self._busy)

    @property
    def busy(self) -> int:
        """How many workers are at work."""
        return len(self._busy)

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether a further request would be turned away."""
        return not self._idle and len(self._waiting) >= self._settings.queue_length

    def start(self) -> None:
        """Begin to start the workers; returns at once."""
        for _ in range(self._settings.workers):
            self._do(self._hire())

    async def stop(self) -> None:
        """End all workers; requests that still wait get CancelledError."""
        self._closing = True
        for waiting in self._waiting:
            waiting.cancel()
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._alive))
        self._idle.clear()

    async def run(
        self,
        task: wire.Task,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[wire.Progress], None] | None = None,
        wait_s: float | None = None,
    ) -> Outcome:
        """Have a free worker do the task. Raises a PoolError; cancelling it costs the worker, not the pool.

        timeout_s: longest time in the worker; by default task_timeout_s, more for a task with a longer max_duration_s.
        wait_s: longest wait for a free worker, by default queue_wait_s.
        """
        if timeout_s is None:
            timeout_s = self._settings.task_timeout_s * wire.effort(task, self._config.limits)
        since = time.monotonic()
        worker = await self._take(wait_s)
        queued_s = time.monotonic() - since
        self._busy.add(worker)
        try:
            return Outcome(await worker.ask(task, timeout_s, on_progress), queued_s)
        finally:
            self._busy.discard(worker)
            self._give_back(worker)

    @asynccontextmanager
    async def session(self, task: wire.SessionTask, *, wait_s: float | None = None) -> AsyncIterator[Session]:
        """Hold a free worker for the block and talk to it. Raises a PoolError, also from within the block."""
        worker = await self._take(wait_s)
        self._busy.add(worker)
        session = Session(worker, self._settings.session_message_s)
        try:
            await session.begin(task)
            yield session
        finally:
            self._do(self._end(session, worker))  # a chore, as the block may have been cancelled

    async def _end(self, session: Session, worker: Worker) -> None:
        try:
            await session.end()
        finally:
            self._busy.discard(worker)
            self._give_back(worker)

    async def _take(self, wait_s: float | None) -> Worker:
        if self._idle:
            return self._idle.popleft()
        if self.full:
            raise QueueFull
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._settings.queue_wait_s if wait_s is None else wait_s):
                return await turn
        except TimeoutError as error:
            self._leave_queue(turn)
            raise QueueFull from error
        except asyncio.CancelledError:
            self._leave_queue(turn)
            raise

    def _leave_queue(self, turn: "asyncio.Future[Worker]") -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():  # a worker came at the same moment
            self._give_back(turn.result())

    def _give_back(self, worker: Worker) -> None:
        if self._closing:
            return
        if not worker.healthy or worker.tasks_done >= self._settings.worker_max_tasks:
            self._do(self._replace(worker))
        else:
            self._hand_out(worker)

    def _hand_out(self, worker: Worker) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)

    def _on_death(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            _LOG.warning("an idle worker ended")
            self._do(self._replace(worker))

    async def _replace(self, worker: Worker) -> None:
        self.restarts += 1
        await worker.stop()
        self._alive.discard(worker)
        await self._hire()

    async def _hire(self) -> None:
        """Start a worker, however often it takes."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                worker = await Worker.start(self._config, self._settings.worker_start_timeout_s, self._on_death)
            except (PoolError, OSError, ValidationError) as error:
                why = f"{getattr(error, 'code', type(error).__name__)}: {getattr(error, 'detail', '')}"
                _LOG.error("a worker did not start", extra={"why": why})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self.ready = worker.ready
                self._alive.add(worker)
                self._give_back(worker)
                return

    def _do(self, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
