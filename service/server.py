"""The server around the app: how it ends without a lost request, and what signals mean.

SIGTERM and SIGINT: not ready at once; for `drain_s` requests are still taken, as a load balancer needs time to hear of
it; then what is being done gets `shutdown_s` to end, what comes is turned away. A second one ends it now. SIGHUP: look
at the model store again.
"""

import asyncio
import contextlib
import logging
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.api.state import Service
from service.jobs.job import JobsUnavailable

BACKLOG = 128  # connections that may be taken at once, before one can be closed for them
_LOG = logging.getLogger("facepulse.server")
_SHARE_FOR_JOBS = 0.8  # of the grace time; the rest is for telling whoever waits for one
_CANCEL_S = 1  # for requests that did not end in time, to be cancelled and answered


class PatientServer(uvicorn.Server):
    """uvicorn closes its door at the first signal, so that nobody could be told; this one waits before it does."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, grace_s: float, drain_s: float = 0.0) -> None:
        config.timeout_graceful_shutdown = _CANCEL_S
        super().__init__(config)
        self._app_state = app.state
        self._grace_s = grace_s
        self._drain_s = drain_s
        self._drained_s: float | None = None
        self._jobs_end: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second signal ends it at once."""
        if self._drained_s is None:
            self._drained_s = time.monotonic() + self._drain_s
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to end and whether all is done."""
        if self._drained_s is not None:
            self._app_state.service.leaving = True
            over_s = time.monotonic() - self._drained_s
            self.should_exit = self.should_exit or (over_s >= 0 and self._is_done()) or over_s >= self._grace_s
        return await super().on_tick(counter)

    def _is_done(self) -> bool:
        """Whether nothing is under way any more; the first time all are told that the end is near."""
        service: Service = self._app_state.service
        if self._jobs_end is None:
            service.stopping.set()
            self._jobs_end = asyncio.create_task(self._app_state.jobs.stop(_SHARE_FOR_JOBS * self._grace_s))
            return False
        return self._jobs_end.done() and service.pool.quiet and not self.server_state.tasks


def room_for(connections: int, others: int) -> int:
    """Raise the limit of open files, as far as we may, for so many connections and other files; return how many fit.

    Where the limit is met, asyncio does little else than to write so into the log.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + others + BACKLOG
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, soft - others - BACKLOG)


@contextlib.contextmanager
def told_in_words() -> Iterator[None]:
    """Log what keeps the block from working, for the operator: which file or port, and what is wrong with it."""
    try:
        yield
    except (OSError, sqlite3.Error, JobsUnavailable) as error:
        file, why = getattr(error, "filename", None), getattr(error, "strerror", None) or str(error.__cause__ or error)
        _LOG.error("the service cannot run", extra={"why": f"{why}: {file}" if file else why})
        raise


@contextlib.contextmanager
def on_hangup(do: Callable[[], None]) -> Iterator[None]:
    """Call `do` at SIGHUP for the length of the block, where the process has signals for us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, do)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload any more, and it must not kill
