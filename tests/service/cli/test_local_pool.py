import asyncio
import os
from pathlib import Path

import pytest

from service.api.schemas import HeartRateResult
from service.cli.local_pool import Measured, WorkersUnavailable, for_each, measure_file
from service.cli.rows import Failure
from service.wire import VideoTask
from service.workers import WorkerPool
from tests.service.pool import task, with_pool


def outcome_of(folder: Path, what: VideoTask, attempts: int = 3) -> tuple[Measured, int]:
    """Return what became of a task, and how many workers died of it."""
    told: list[tuple[Measured, int]] = []

    async def body(pool: WorkerPool) -> None:
        outcome = await measure_file(pool, what, attempts=attempts)
        await asyncio.sleep(0)  # the last death is counted behind the answer
        told.append((outcome, pool.endings["died"]))

    with_pool(folder, body)
    return told[0]


def test_a_good_video_has_a_result(tmp_path: Path) -> None:
    outcome, died = outcome_of(tmp_path, task(tmp_path))
    assert isinstance(outcome, HeartRateResult)
    assert (outcome.bpm, died) == (72.0, 0)


def test_a_video_that_kills_is_tried_so_many_times(tmp_path: Path) -> None:
    outcome, died = outcome_of(tmp_path, task(tmp_path, "die"), attempts=2)
    assert isinstance(outcome, Failure)
    assert outcome.code == "worker_died"
    assert died in (1, 2)  # the second may still be on its way out


def test_what_is_refused_by_name_is_tried_once(tmp_path: Path) -> None:
    outcome, died = outcome_of(tmp_path, task(tmp_path, "no_face"))
    assert isinstance(outcome, Failure)
    assert (outcome.code, died) == ("no_face", 0)


def test_a_video_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    outcome, _ = outcome_of(tmp_path, VideoTask(str(tmp_path / "none.mp4")))
    assert outcome == Failure("file_error", "No such file or directory")


def test_a_name_that_is_no_text_is_a_failure_of_this_video_alone(tmp_path: Path) -> None:
    video = tmp_path / os.fsdecode(b"\xff.mp4")
    video.touch()
    outcome, _ = outcome_of(tmp_path, VideoTask(str(video)))
    assert outcome == Failure("file_error", "its name is no valid UTF-8: give it another")


def test_without_a_worker_there_is_no_outcome(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()

    async def body(pool: WorkerPool) -> None:
        with pytest.raises(WorkersUnavailable):
            await measure_file(pool, task(tmp_path))

    with_pool(tmp_path, body, warm=False, queue_wait_s=0.2)


def test_so_many_at_a_time_and_each_once() -> None:
    done: list[int] = []
    running = most = 0

    async def do(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    asyncio.run(for_each(range(10), do, at_a_time=3))
    assert (sorted(done), most) == (list(range(10)), 3)


def test_the_first_error_ends_all() -> None:
    begun: list[int] = []

    async def do(item: int) -> None:
        begun.append(item)
        await asyncio.sleep(0)
        if item == 1:
            raise KeyError(item)

    with pytest.raises(KeyError):
        asyncio.run(for_each(range(100), do, at_a_time=2))
    assert len(begun) < 10
