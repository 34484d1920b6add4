"""The pool with real worker processes and a stand-in for the Estimator."""

import asyncio
import dataclasses
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from service import wire
from service.pipeline.types import DecodeLimits
from service.worker_handle import PoolError, QueueFull, TaskFailed, TaskTimedOut, Worker, WorkerDied
from service.workers import WorkerPool
from tests.service.pool import pids, task, until, with_pool
from tests.service.standin import SPEC


def test_a_task_is_answered(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        outcome = await pool.run(task(tmp_path))
        assert outcome.body.startswith(b'{"bpm":72.0')
        assert pool.ready.default == "student"

    with_pool(tmp_path, body)


def test_a_batch_of_frames_is_answered(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        (tmp_path / "frames").write_bytes(bytes(3 * 4 * 2 * 90))
        times_s = tuple(i / 30 for i in range(90))
        outcome = await pool.run(wire.FramesTask(str(tmp_path / "frames"), "rgb24", times_s, width=4, height=2))
        assert outcome.body.startswith(b'{"bpm":90.0')

    with_pool(tmp_path, body)


def test_progress_is_told_on_the_way(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        told: list[wire.Progress] = []
        await pool.run(task(tmp_path, "sleep_short"), on_progress=told.append)
        assert told[0] == wire.Progress(0.5, 72.0, 0.9)

    with_pool(tmp_path, body)


def test_a_task_may_bring_its_own_deadline(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        with pytest.raises(TaskTimedOut):
            await pool.run(task(tmp_path, "sleep_long"), timeout_s=0.3)

    with_pool(tmp_path, body)


def test_a_long_videos_task_gets_more_time(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        long = dataclasses.replace(task(tmp_path, "sleep_short"), max_duration_s=10 * 600)
        assert (await pool.run(long)).body

    with_pool(tmp_path, body, task_timeout_s=0.4)


def test_a_task_may_wait_longer_or_shorter_than_others(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        first = asyncio.create_task(pool.run(task(tmp_path, "sleep_short")))
        await asyncio.sleep(0.1)
        with pytest.raises(QueueFull):
            await pool.run(task(tmp_path), wait_s=0.1)
        assert (await pool.run(task(tmp_path))).body
        assert (await first).body

    with_pool(tmp_path, body)


@pytest.mark.parametrize("end", ["die", "crash"])
def test_a_dead_worker_costs_its_request_alone(tmp_path: Path, end: str) -> None:
    async def body(pool: WorkerPool) -> None:
        other = asyncio.create_task(pool.run(task(tmp_path, "sleep_short")))
        with pytest.raises(WorkerDied):
            await pool.run(task(tmp_path, end))
        assert (await other).body
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body, workers=2)


def test_a_worker_killed_from_outside_in_the_middle_of_a_request(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        working = asyncio.create_task(pool.run(task(tmp_path, "sleep_long")))
        await asyncio.sleep(0.3)
        os.kill(pids().pop(), signal.SIGKILL)
        with pytest.raises(WorkerDied):
            await working
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body)


def test_an_idle_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        os.kill(next(iter(before)), signal.SIGKILL)
        await until(lambda: pool.warm == 0)
        await until(lambda: pool.warm == 1)
        assert pids().isdisjoint(before)
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body)


@pytest.mark.parametrize(
    ("model", "code"), [("eat", "video_too_expensive"), ("raise", "internal_error"), ("write", "internal_error")]
)
def test_a_worker_is_replaced_after_an_unexpected_error(tmp_path: Path, model: str, code: str) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        with pytest.raises(TaskFailed) as failed:
            await pool.run(task(tmp_path, model))
        assert failed.value.code == code
        await pool.run(task(tmp_path))
        assert pids().isdisjoint(before)

    with_pool(tmp_path, body, worker_memory_mb=300)


def test_a_named_error_keeps_the_worker(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        with pytest.raises(TaskFailed):
            await pool.run(task(tmp_path, "no_face"))
        await pool.run(task(tmp_path))
        assert pids() == before

    with_pool(tmp_path, body)


def test_a_worker_is_replaced_after_so_many_tasks(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        for _ in range(3):
            await pool.run(task(tmp_path))
        assert pids().isdisjoint(before)

    with_pool(tmp_path, body, worker_max_tasks=2)


def test_a_task_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        since = time.monotonic()
        with pytest.raises(TaskTimedOut):
            await pool.run(task(tmp_path, "sleep_long"))
        assert time.monotonic() - since < 15
        assert (await pool.run(task(tmp_path))).body
        assert pids().isdisjoint(before)

    with_pool(tmp_path, body, task_timeout_s=1.5)


def test_cpu_time_is_limited_too(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        with pytest.raises(TaskTimedOut):
            await pool.run(task(tmp_path, "spin"))

    with_pool(tmp_path, body, worker_cpu_s=1, task_timeout_s=60)


def test_more_than_the_queue_holds_is_turned_away(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        taken = [asyncio.create_task(pool.run(task(tmp_path, "sleep_short"))) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert pool.full
        with pytest.raises(QueueFull):
            await pool.run(task(tmp_path))
        outcomes = await asyncio.gather(*taken)
        assert outcomes[1].queued_s > 0.5

    with_pool(tmp_path, body, queue_length=1)


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        first = asyncio.create_task(pool.run(task(tmp_path, "sleep_short")))
        await asyncio.sleep(0.1)
        with pytest.raises(QueueFull):
            await pool.run(task(tmp_path))
        assert (await first).body
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body, queue_wait_s=0.2)


def test_who_leaves_while_waiting_takes_no_worker_along(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        first = asyncio.create_task(pool.run(task(tmp_path, "sleep_short")))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(pool.run(task(tmp_path)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await first
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body)


def test_who_leaves_while_served_ends_the_work(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        working = asyncio.create_task(pool.run(task(tmp_path, "sleep_long")))
        await asyncio.sleep(0.2)
        working.cancel()
        assert (await pool.run(task(tmp_path))).body
        assert pids().isdisjoint(before)

    with_pool(tmp_path, body)


def test_a_worker_that_does_not_get_warm_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    config = wire.WorkerConfig(str(tmp_path), DecodeLimits(), os.getpid(), estimator=SPEC)
    with pytest.raises(TaskTimedOut):
        asyncio.run(Worker.start(config, 0.3, lambda _worker: None))
    assert not pids()


def test_workers_know_no_secrets_and_use_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_SECRET", "x")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")

    async def body(pool: WorkerPool) -> None:
        environment = psutil.Process(pids().pop()).environ()
        assert "FACEPULSE_SECRET" not in environment
        assert environment["OPENBLAS_CORETYPE"] == "Haswell"
        assert environment["OPENBLAS_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == "1"

    with_pool(tmp_path, body)


def test_workers_are_limited(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        worker = psutil.Process(pids().pop())
        assert worker.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert worker.rlimit(psutil.RLIMIT_DATA) == (400 * 2**20,) * 2
        assert worker.rlimit(psutil.RLIMIT_FSIZE) == (2**20,) * 2
        assert worker.rlimit(psutil.RLIMIT_NOFILE) == (64, 64)

    with_pool(tmp_path, body, worker_memory_mb=400)


def test_every_error_has_a_code_and_a_sentence() -> None:
    assert all(kind.code and kind.detail.endswith(".") for kind in (PoolError, QueueFull, WorkerDied, TaskTimedOut))
