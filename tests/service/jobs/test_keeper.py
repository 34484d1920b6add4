import asyncio
import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from service.jobs import keeper
from service.jobs.job import Failure, Job, JobsUnavailable
from service.jobs.keeper import Keeper, keeping
from service.jobs.store import JobStore
from tests.service.pool import until

JOB = Job("1", "ann", "request", "queued", 1000.0)


def open_store(folder: Path, service: str = "uploads-a", ttl_s: float = 60.0) -> JobStore:
    return JobStore(folder / "jobs.sqlite3", service, ttl_s)


def test_the_store_waits_for_the_disk_in_a_thread_of_its_own(tmp_path: Path) -> None:
    async def run() -> None:
        async with keeping(open_store(tmp_path), tmp_path) as kept:
            names = {await kept.call(lambda: threading.current_thread().name) for _ in range(5)}
            assert len(names) == 1
            assert names != {threading.current_thread().name}

    asyncio.run(run())


def test_jobs_of_a_service_whose_folder_is_gone_are_interrupted_at_once(tmp_path: Path) -> None:
    for service in ("uploads-dead", "uploads-alive"):
        store = open_store(tmp_path, service)
        store.add(Job(service, "ann", "request", "queued", 1000.0))
        store.close()
    (tmp_path / "uploads-alive").mkdir()

    async def run() -> None:
        async with keeping(open_store(tmp_path), tmp_path) as kept:
            dead, alive = [await kept.call(kept.store.get, f"uploads-{name}", "ann") for name in ("dead", "alive")]
            assert dead is not None
            assert dead.failure == Failure("interrupted")
            assert alive is not None
            assert alive.state == "queued"

    asyncio.run(run())


def test_what_expires_is_swept_while_it_runs(tmp_path: Path) -> None:
    async def run() -> None:
        async with keeping(open_store(tmp_path, ttl_s=0.05), tmp_path) as kept:
            await kept.call(kept.store.add, JOB)
            await kept.call(kept.store.finish, "1", b"{}")
            async with asyncio.timeout(20):
                while await kept.call(kept.store.get, "1", "ann") is not None:
                    await asyncio.sleep(0.02)

    asyncio.run(run())


def test_a_sweep_that_fails_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweeps: list[int] = []

    async def fail_now_and_then(_keeper: Keeper) -> None:
        sweeps.append(1)
        if len(sweeps) == 2:
            raise sqlite3.OperationalError("secret words")

    async def run() -> None:
        async with keeping(open_store(tmp_path, ttl_s=0.01), tmp_path):
            await until(lambda: len(sweeps) > 3)

    monkeypatch.setattr(keeper.Keeper, "sweep", fail_now_and_then)
    with caplog.at_level(logging.ERROR, "facepulse.jobs"):
        asyncio.run(run())
    assert [record.message for record in caplog.records] == ["expired jobs were not removed"]
    assert "secret" not in str(vars(caplog.records[0])["where"])


def test_the_file_is_closed_at_the_end(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> None:
        async with keeping(store, tmp_path):
            pass

    asyncio.run(run())
    with pytest.raises(JobsUnavailable):
        store.get("1", "ann")
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.sqlite3"], "no log is left behind"
