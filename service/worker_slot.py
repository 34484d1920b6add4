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
        self._worker: Worker | None = None
        self._successor: Worker | None = None
        self._failures = 0
        self._hurry = asyncio.Event()
        self.trouble = ""  # code of why no worker starts here

    @property
    def release(self) -> Release | None:
        """The models that its worker serves, None while there is none."""
        return None if self._worker is None else self._worker.ready.release

    async def keep(self) -> None:
        """Keep a worker at work until cancelled."""
        try:
            while True:
                if self._worker is None:
                    self._worker = await self._start()
                    self._desk.give_back(self._worker)
                await self._worker.over.wait()
                await self._clear()
        finally:
            for worker in (self._worker, self._successor):
                if worker is not None:
                    await worker.stop()

    async def renew(self) -> None:
        """Put a new worker in the place of this one, which serves until the new one is warm.

        Where there is no room for both, this one goes first. A slot that has none yet tries again at once.
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
            if self._worker is not old or old.over.is_set():  # it died and has a successor already
                await new.stop()
                return
            self._successor = new
            self._desk.give_back(new)
        self._desk.dismiss(old, "models")
        await old.gone.wait()

    async def _clear(self) -> None:
        """End a worker that is over; after one that did nothing good comes a pause."""
        old = self._worker
        assert old is not None, "there is one in this slot"
        self._endings[old.why] += 1
        await old.stop()
        if old.why == "died" and not old.at_work:
            _LOG.warning("an idle worker ended")
        good = old.answers or old.why in ("models", "worn_out", "abandoned")
        self._failures = 0 if good else self._failures + 1
        self._worker, self._successor = self._successor, None
        if self._worker is None:
            await self._pause(_LONGEST_PAUSE_AT_WORK_S if old.at_work else _LONGEST_PAUSE_S)

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
