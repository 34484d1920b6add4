"""Runs the pool with real worker processes and the stand-in for the Estimator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from service import wire
from service.settings import Settings
from service.workers import WorkerPool
from tests.service.server import VIDEO
from tests.service.standin import SPEC


@asynccontextmanager
async def running_pool(folder: Path, *, warm: bool = True, **settings: Any) -> AsyncIterator[WorkerPool]:
    (folder / "video").write_bytes(VIDEO)
    chosen = Settings(model_store=folder, data_dir=folder, **{"workers": 1} | settings)
    pool = WorkerPool(chosen, estimator=SPEC)
    pool.start()
    try:
        if warm:
            await until(lambda: pool.warm == chosen.workers)
        yield pool
    finally:
        await pool.stop()


async def until(fact: Callable[[], bool], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not fact():
            await asyncio.sleep(0.02)


def pids() -> set[int]:
    """Return the worker processes that live."""
    alive = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    return {p.pid for p in alive if "service.worker" in p.cmdline()}


def task(folder: Path, model: str = "auto") -> wire.VideoTask:
    return wire.VideoTask(str(folder / "video"), model=model)


def with_pool(folder: Path, body: Callable[[WorkerPool], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        async with running_pool(folder, **settings) as pool:
            await body(pool)

    asyncio.run(run())
    assert not pids()
