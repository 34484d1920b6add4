"""The service's worker processes without the service: what a video can do to one of them stays there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service.api.schemas import HeartRateResult
from service.settings import Settings
from service.wire import VideoTask
from service.workers import WorkerPool


@asynccontextmanager
async def local_pool(settings: Settings, workers: int) -> AsyncIterator[WorkerPool]:
    """Start so many workers under the service's limits, end them afterwards."""
    patient = {"workers": workers, "queue_length": workers, "queue_wait_s": 2 * settings.worker_start_timeout_s}
    pool = WorkerPool(settings.model_copy(update=patient))
    pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


async def measure_video(pool: WorkerPool, task: VideoTask, *, timeout_s: float | None = None) -> HeartRateResult:
    """Measure one video. Raises a PoolError."""
    outcome = await pool.run(task, timeout_s=timeout_s)
    return HeartRateResult.model_validate_json(outcome.body)


async def measure_clip(settings: Settings, clip: Path) -> HeartRateResult:
    """Measure one video as the service would. Raises a PoolError."""
    async with local_pool(settings, 1) as pool:
        return await measure_video(pool, VideoTask(str(clip.absolute())))
