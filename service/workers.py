"""The pool of worker processes: what they are asked, what they serve, how they are replaced.

Each worker has a socket of its own, so that one that dies, even in the middle of a message, takes nothing with it but
the request it had. (pebble's ProcessPool shares one pipe and its locks among all workers: a worker killed while it
holds them stalls the others for a minute, and an idle one that dies breaks the pool.)

The models are those that the first warm worker found in the store. Every later worker opens the same versions with the
same hashes or does not start; only `reload` looks at what the store names now.
"""

import asyncio
import dataclasses
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service import wire
from service.pipeline.manifest import Release
from service.settings import Settings
from service.worker_desk import Desk
from service.worker_handle import Worker
from service.worker_session import Session
from service.worker_slot import START_ERRORS, Slot, reason

_LOG = logging.getLogger("facepulse.workers")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A worker's answer (JSON) and how long the request waited for a worker, in seconds."""

    body: bytes
    queued_s: float


class WorkerPool:
    """A fixed number of workers, each replaced when it fails, and a bounded queue before them.

    endings: how many workers were replaced, by why: died, timed_out, failed, abandoned, worn_out, models.
    """

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
            default_model=settings.default_model,
        )
        self._desk = Desk(settings.queue_length, settings.worker_max_tasks)
        self._chores: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._reload_waits = False
        self.endings: Counter[str] = Counter()
        self._slots = [Slot(self._desk, self._hire, self._agree, self.endings) for _ in range(settings.workers)]
        self.ready = wire.Ready(())

    @property
    def warm(self) -> int:
        """How many workers are ready or at work."""
        return self._desk.idle + self._desk.busy

    @property
    def busy(self) -> int:
        """How many workers are at work."""
        return self._desk.busy

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return self._desk.waiting

    @property
    def full(self) -> bool:
        """Whether a further request would be turned away."""
        return self._desk.full

    @property
    def quiet(self) -> bool:
        """Whether nothing is worked on and nobody waits."""
        return not self._desk.busy and not self._desk.waiting

    @property
    def restarts(self) -> int:
        """How many workers were replaced."""
        return self.endings.total()

    @property
    def trouble(self) -> str:
        """Code of why a worker does not start, "" while all do."""
        return next((slot.trouble for slot in self._slots if slot.trouble), "")

    def start(self) -> None:
        """Begin to start the workers; returns at once."""
        for slot in self._slots:
            self._do(slot.keep())

    async def stop(self) -> None:
        """End all workers; requests that still wait get CancelledError."""
        self._desk.close()
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

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
        try:
            return Outcome(await worker.ask(task, timeout_s, on_progress), queued_s)
        finally:
            self._desk.give_back(worker)

    @asynccontextmanager
    async def session(self, task: wire.SessionTask, *, wait_s: float | None = None) -> AsyncIterator[Session]:
        """Hold a free worker for the block and talk to it. Raises a PoolError, also from within the block."""
        worker = await self._take(wait_s)
        session = Session(worker, self._settings.session_message_s)
        try:
            await session.begin(task)
            yield session
        finally:
            self._do(self._end(session, worker))  # a chore, as the block may have been cancelled

    def reload_soon(self) -> None:
        """Begin to reload the models; once more after a reload that is under way."""
        if not self._reload_waits:
            self._reload_waits = True
            self._do(self._reload())

    async def _reload(self) -> None:
        async with self._reloading:
            self._reload_waits = False
            await self.reload()

    async def reload(self) -> bool:
        """Serve what the model store names now; return whether that is served from here on.

        A worker beside the others opens and warms it first: when it cannot, nothing changes but a line in the log.
        Then the workers are replaced one by one, each after its request.
        """
        try:
            trial = await self._start_worker(None)
        except START_ERRORS as error:
            _LOG.error("the models of the store are refused; the old ones stay", extra={"why": reason(error)})
            return False
        await trial.stop()
        if trial.ready.release == self._config.release:
            _LOG.info("the models of the store are those in service")
        else:
            self._serve(trial.ready)
        for slot in self._slots:
            if slot.release != self._config.release:
                await slot.renew(self._settings.task_timeout_s)
        return True

    def _serve(self, ready: wire.Ready) -> None:
        """Take what a worker opened for what the pool serves."""
        self.ready = ready
        self._config = dataclasses.replace(self._config, release=ready.release)
        models = [manifest.folder for manifest in ready.release.manifests]
        _LOG.info("models in service", extra={"models": models, "default": ready.default})

    def _agree(self, ready: wire.Ready) -> bool:
        """Whether a new worker opened what the pool serves; the first one decides what that is."""
        if self._config.release is None:
            self._serve(ready)
        return ready.release == self._config.release

    async def _hire(self) -> Worker:
        return await self._start_worker(self._config.release)

    async def _start_worker(self, release: Release | None) -> Worker:
        config = dataclasses.replace(self._config, release=release)
        return await Worker.start(config, self._settings.worker_start_timeout_s, self._desk.note_death)

    async def _take(self, wait_s: float | None) -> Worker:
        return await self._desk.take(self._settings.queue_wait_s if wait_s is None else wait_s)

    async def _end(self, session: Session, worker: Worker) -> None:
        try:
            await session.end()
        finally:
            self._desk.give_back(worker)

    def _do(self, chore: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def patient_pool(settings: Settings, workers: int, *, estimator: str = wire.DEFAULT_ESTIMATOR) -> WorkerPool:
    """Return a pool, still to be started, of so many workers for callers who wait until these have started."""
    patient = {"workers": workers, "queue_length": workers, "queue_wait_s": 2 * settings.worker_start_timeout_s}
    return WorkerPool(settings.model_copy(update=patient), estimator=estimator)
