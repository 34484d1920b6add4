"""The service's worker processes without the service: what a video can do to one of them stays there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from service.api.schemas import HeartRateResult
from service.cli.codes import MAX_DURATION_S, CommandFailed
from service.cli.rows import Failure
from service.settings import Settings
from service.wire import VideoTask
from service.worker_handle import PoolError, QueueFull, WorkerDied
from service.workers import WorkerPool, patient_pool

T = TypeVar("T")
Measured = HeartRateResult | Failure
_TIMEOUT_S = 2 * MAX_DURATION_S


class WorkersUnavailable(CommandFailed):
    """No worker process came up."""

    code = "workers_unavailable"

    def __init__(self, why: str = "no worker process starts; `facepulse doctor` may know why") -> None:
        super().__init__(why)  # an argument, so that it can be sent from one machine to another


@asynccontextmanager
async def local_pool(settings: Settings, workers: int) -> AsyncIterator[WorkerPool]:
    """Start so many workers under the service's limits, end them afterwards."""
    pool = patient_pool(settings, workers)
    pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


async def measure_video(pool: WorkerPool, task: VideoTask, *, timeout_s: float | None = None) -> HeartRateResult:
    """Measure one video. Raises a PoolError."""
    outcome = await pool.run(task, timeout_s=timeout_s)
    return HeartRateResult.model_validate_json(outcome.body)


async def measure_file(pool: WorkerPool, task: VideoTask, *, attempts: int = 1) -> Measured:
    """Measure one of many videos, again when the worker died of it, up to so many attempts. Raises WorkersUnavailable.

    What a worker refuses by name it would refuse again, so that is not tried twice.
    """
    try:
        task.path.encode()
        Path(task.path).open("rb").close()
        return await _measure_patiently(pool, task, attempts)
    except UnicodeEncodeError:  # what a worker is told is JSON
        return Failure("file_error", "its name is no valid UTF-8: give it another")
    except OSError as error:
        return Failure("file_error", error.strerror or "the file cannot be read")
    except QueueFull as error:
        raise WorkersUnavailable from error
    except PoolError as error:
        return Failure(error.code, error.detail)


async def _measure_patiently(pool: WorkerPool, task: VideoTask, attempts: int) -> HeartRateResult:
    for _ in range(attempts - 1):
        try:
            return await measure_video(pool, task, timeout_s=_TIMEOUT_S)
        except WorkerDied:
            continue
    return await measure_video(pool, task, timeout_s=_TIMEOUT_S)


async def measure_clip(settings: Settings, clip: Path) -> HeartRateResult:
    """Measure one video as the service would. Raises a PoolError."""
    async with local_pool(settings, 1) as pool:
        return await measure_video(pool, VideoTask(str(clip.absolute())))


async def for_each(items: Sequence[T], do: Callable[[T], Awaitable[None]], *, at_a_time: int) -> None:
    """Do something with each item, so many at a time; the first error, or being cancelled, ends all of it."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)

    working = [asyncio.ensure_future(work()) for _ in range(at_a_time)]
    try:
        await asyncio.gather(*working)
    finally:
        for each in working:
            each.cancel()
        await asyncio.gather(*working, return_exceptions=True)
