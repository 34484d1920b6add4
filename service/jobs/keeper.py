"""Keeps the store off the event loop, and clean: SQLite waits for the disk, and expired results must not lie around."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from service.jobs.store import JobStore
from service.logs import describe_error

_LOG = logging.getLogger("facepulse.jobs")
_SWEEP_EVERY_S = 60.0

P = ParamSpec("P")
T = TypeVar("T")


class Keeper:
    """Calls a store in a thread of its own, one call after the other."""

    def __init__(self, store: JobStore, uploads: Path) -> None:
        self.store = store
        self._uploads = uploads
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")

    async def call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the store. A caller who stops waiting does not stop it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: method(*args, **kwargs))

    async def sweep(self) -> None:
        """Remove what has expired; report what a service that is gone left unfinished. Raises sqlite3.Error."""
        await self.call(self.store.sweep)
        alive = {path.name for path in self._uploads.glob("uploads-*")}  # of the dead, the next to start removes them
        if interrupted := await self.call(self.store.interrupt, alive):
            _LOG.warning("jobs of a service that ended were interrupted", extra={"jobs": interrupted})

    async def close(self) -> None:
        """Close the store."""
        await self.call(self.store.close)
        self._thread.shutdown()


@contextlib.asynccontextmanager
async def keeping(store: JobStore, uploads: Path) -> AsyncIterator[Keeper]:
    """Sweep at once and again and again for the length of the block, then close the store. Raises sqlite3.Error."""
    keeper = Keeper(store, uploads)
    try:
        await keeper.sweep()
        sweeper = asyncio.create_task(_keep_sweeping(keeper))
        try:
            yield keeper
        finally:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)
    finally:
        await keeper.close()


async def _keep_sweeping(keeper: Keeper) -> None:
    while True:
        await asyncio.sleep(min(_SWEEP_EVERY_S, keeper.store.ttl_s))
        try:
            await keeper.sweep()
        except (sqlite3.Error, OSError) as error:
            _LOG.error("expired jobs were not removed", extra={"where": describe_error(error)})
