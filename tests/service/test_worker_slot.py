"""What a pool does about workers that cannot start, die at once or open other models than are served."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from service.worker_handle import WorkerDied
from service.workers import WorkerPool
from tests.service.pool import pids, task, until, with_pool
from tests.service.stores import activate, write_version


def versions(pool: WorkerPool) -> list[str]:
    return [manifest.version for manifest in pool.ready.release.manifests]


def test_workers_that_cannot_start_are_tried_again(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        await until(lambda: pool.trouble == "internal_error")
        assert pool.warm == 0
        (tmp_path / "broken").unlink()
        assert (await pool.run(task(tmp_path))).body
        assert pool.trouble == ""

    (tmp_path / "broken").touch()
    with_pool(tmp_path, body, warm=False)


def test_workers_that_die_of_every_task_come_back_slower_and_slower(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        pauses_s = []
        for _ in range(3):
            with pytest.raises(WorkerDied):
                await pool.run(task(tmp_path, "die"))
            ended_s = asyncio.get_running_loop().time()
            await until(lambda: bool(pids()))
            pauses_s.append(asyncio.get_running_loop().time() - ended_s)
            await until(lambda: pool.warm == 1)
        assert pauses_s[2] >= 2.0
        assert pool.endings == {"died": 3}

    with_pool(tmp_path, body)


def test_a_worker_that_did_something_good_is_replaced_at_once(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        for _ in range(3):
            await pool.run(task(tmp_path))
            with pytest.raises(WorkerDied):
                await pool.run(task(tmp_path, "die"))
        assert pool._slots[0]._failures == 0
        assert pool.restarts >= 2

    with_pool(tmp_path, body)


def test_workers_that_die_right_after_they_are_warm_do_not_spin(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        since = asyncio.get_running_loop().time()
        await until(lambda: pool.restarts == 3)
        assert asyncio.get_running_loop().time() - since >= 0.5 + 1.0, "the pauses between the three"
        (tmp_path / "short_lived").unlink()
        assert (await pool.run(task(tmp_path))).body

    (tmp_path / "short_lived").touch()
    with_pool(tmp_path, body, warm=False)


def test_a_worker_put_in_place_later_serves_what_the_others_serve(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        write_version(tmp_path, "2.0.0")
        activate(tmp_path, "2.0.0")
        before = pids()
        os.kill(next(iter(before)), signal.SIGKILL)
        await until(lambda: pool.restarts == 1 and pool.warm == 1)
        assert versions(pool) == ["1.0.0"]
        assert pool.trouble == ""

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body)


def test_a_worker_does_not_start_with_models_that_are_not_in_service(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        (tmp_path / "student-1.0.0" / "model.onnx").write_text("tampered with")
        (tmp_path / "student-1.0.0" / "manifest.json").unlink()
        os.kill(next(iter(pids())), signal.SIGKILL)
        await until(lambda: pool.trouble == "manifest_invalid")
        assert pool.warm == 1
        assert (await pool.run(task(tmp_path))).body

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body, workers=2)


def test_a_new_version_takes_over_worker_by_worker(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        working = asyncio.create_task(pool.run(task(tmp_path, "sleep_short")))
        await asyncio.sleep(0.2)
        write_version(tmp_path, "2.0.0")
        activate(tmp_path, "2.0.0")
        assert await pool.reload()
        assert (await working).body
        assert versions(pool) == ["2.0.0"]
        assert pids().isdisjoint(before)
        assert pool.warm == 2
        assert pool.endings == {"models": 2}
        assert (await pool.run(task(tmp_path))).body

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body, workers=2)


def test_a_worker_that_is_long_at_work_does_not_keep_the_others_old(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        working = asyncio.create_task(pool.run(task(tmp_path, "sleep_long"), timeout_s=60))
        await asyncio.sleep(0.2)
        for version in ("2.0.0", "3.0.0"):
            write_version(tmp_path, version)
            activate(tmp_path, version)
            assert await pool.reload()
        assert (pool.warm, pool.busy, len(pids())) == (2, 1, 2)
        working.cancel()
        await until(lambda: len(pids()) == 1)
        assert (await pool.run(task(tmp_path))).body

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body, task_timeout_s=2.0)


def test_no_request_is_lost_while_models_are_exchanged(tmp_path: Path) -> None:
    async def ask_for_ever(pool: WorkerPool, answers: list[bytes]) -> None:
        while True:
            answers.append((await pool.run(task(tmp_path))).body)

    async def body(pool: WorkerPool) -> None:
        answers: list[bytes] = []
        asking = asyncio.create_task(ask_for_ever(pool, answers))
        for version in ("2.0.0", "3.0.0"):
            write_version(tmp_path, version)
            activate(tmp_path, version)
            assert await pool.reload()
        assert not asking.done()
        asking.cancel()
        assert len(answers) > 10

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body, worker_max_tasks=100_000)


@pytest.mark.parametrize("fault", ["corrupt", "absent", "garbage", "not_warm"])
def test_a_bad_new_version_is_refused_and_the_old_one_serves_on(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        if fault != "absent":
            write_version(tmp_path, "2.0.0", corrupt=fault == "corrupt")
        activate(tmp_path, "2.0.0")
        if fault == "garbage":
            (tmp_path / "active.json").write_text("{")
        if fault == "not_warm":
            (tmp_path / "broken").touch()
        assert not await pool.reload()
        assert pids() == before
        assert versions(pool) == ["1.0.0"]
        assert (await pool.run(task(tmp_path))).body

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body)
    assert [record.message for record in caplog.records if "refused" in record.message]


def test_a_store_that_did_not_change_replaces_nobody(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        assert await pool.reload()
        assert pids() == before

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body)


def test_after_trouble_a_reload_makes_new_models_the_ones_in_service(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        (tmp_path / "student-1.0.0" / "manifest.json").unlink()
        os.kill(next(iter(pids())), signal.SIGKILL)
        await until(lambda: pool.trouble == "manifest_invalid")
        write_version(tmp_path, "2.0.0")
        activate(tmp_path, "2.0.0")
        assert await pool.reload()
        await until(lambda: pool.warm == 1)
        assert (versions(pool), pool.trouble) == (["2.0.0"], "")

    write_version(tmp_path, "1.0.0")
    activate(tmp_path, "1.0.0")
    with_pool(tmp_path, body)


def test_reloads_asked_for_at_once_are_done_once_more_at_most(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        for _ in range(5):
            pool.reload_soon()
        assert len(pool._chores) <= 2
        await until(lambda: len(pool._chores) == 1)

    with_pool(tmp_path, body)
