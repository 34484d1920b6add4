"""One place in the pool: there is always a worker in it, or one on its way, and never one that spins."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from service.pipeline.manifest import Release
from service.wire import Ready
from service.worker_desk import Desk
from service.worker_handle import PoolError, TaskFailed, Worker

_LOG = logging.getLogger("facepulse.workers")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0  # for workers that do not start or die before they get to do anything
_LONGEST_PAUSE_AT_WORK_S = 5.0  # for workers that die of their tasks: the next task may be a good one
START_ERRORS = (PoolError, OSError, ValidationError)


class StoreChanged(TaskFailed):
    """A worker opened other models than the pool serves."""

    def __init__(self) -> None:
        super().__init__("store_changed", "The model store is not the one in service.")


class Slot:
    """Keeps one worker; why its workers had to be replaced is counted in `endings`, by a word.

    hire: starts a worker with the models that the pool serves. agree: says whether what it opened is that.
    """

    def __init__(
        self, desk: Desk, hire: Callable[[], Awaitable[Worker]], agree: Callable[[Ready], bool], endings: Counter[str]
    ) -> None:
        self._desk = desk
        self._hire = hire
        self._agree = agree
        self._endings = endings
        self._staff: list[Worker] = []  # one at most that does not leave
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failures = 0
        self.trouble = ""  # code of why no worker starts here

    @property
    def release(self) -> Release | None:
        """The models that its worker serves, None while there is none."""
        return None if self._worker is None else self._worker.ready.release

    @property
    def _worker(self) -> Worker | None:
        return next((worker for worker in self._staff if not worker.leaving), None)

    async def keep(self) -> None:
        """Keep a worker at work until cancelled."""
        try:
            while True:
                if self._worker is None:
                    self._take_on(await self._start())
                await self._news.wait()
                self._news.clear()
                for worker in [worker for worker in self._staff if worker.over]:
                    await self._see_off(worker)
        finally:
            for worker in self._staff:
                await worker.stop()

    async def renew(self, patience_s: float) -> None:
        """Put a new worker in the place of this one, which serves until the new one is warm, and ends its task.

        Waits for its end for patience_s. Where there is no room for both, this one goes first. A slot that has none
        yet tries again at once.
        """
        old = self._worker
        if old is None:
            self._hurry.set()
            return
        try:
            new = await self._try_to_start()
        except START_ERRORS as error:
            self._note(error)
        else:
            if old.leaving:  # it died, and its successor is on the way
                await new.stop()
                return
            self._take_on(new)
        self._desk.dismiss(old, "models")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(old.gone.wait(), patience_s)

    def _take_on(self, worker: Worker) -> None:
        worker.on_over = self._news.set
        self._staff.append(worker)
        self._desk.give_back(worker)

    async def _see_off(self, worker: Worker) -> None:
        """End a worker that is over; after one that did nothing good comes a pause."""
        self._endings[worker.why] += 1
        await worker.stop()
        self._staff.remove(worker)
        if worker.why == "died" and not worker.at_work:
            _LOG.warning("an idle worker ended")
        good = worker.tasks_done or worker.why in ("models", "worn_out", "abandoned")
        self._failures = 0 if good else self._failures + 1
        if self._worker is None:
            await self._pause(_LONGEST_PAUSE_AT_WORK_S if worker.at_work else _LONGEST_PAUSE_S)

    async def _start(self) -> Worker:
        """Start a worker, however often it takes."""
        while True:
            try:
                return await self._try_to_start()
            except START_ERRORS as error:
                self._note(error)
                self._failures += 1
                await self._pause(_LONGEST_PAUSE_S)

    async def _try_to_start(self) -> Worker:
        worker = await self._hire()
        if not self._agree(worker.ready):
            await worker.stop()
            raise StoreChanged
        self.trouble = ""
        return worker

    def _note(self, error: Exception) -> None:
        self.trouble = getattr(error, "code", "internal_error")
        _LOG.error("a worker did not start", extra={"why": reason(error)})

    async def _pause(self, longest_s: float) -> None:
        if not self._failures:
            return
        pause_s = min(_FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10), longest_s)
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), pause_s)


def reason(error: Exception) -> str:
    """Return code and sentence of what kept a worker from starting."""
    return f"{getattr(error, 'code', type(error).__name__)}: {getattr(error, 'detail', '')}"
