"""Sessions with real worker processes and a stand-in for the live measurement."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from service import wire
from service.worker_handle import QueueFull, TaskFailed, TaskTimedOut, WorkerDied
from service.worker_session import Session
from service.workers import WorkerPool
from tests.service.pool import pids, task, until, with_pool


def test_messages_go_both_ways_and_the_worker_stays(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        async with pool.session(wire.SessionTask()) as session:
            for word in (b"hush", b"say one", b"hush", b"say two"):
                await session.send(word)
            assert [await session.receive(), await session.receive()] == [b"2 one", b"4 two"]
        assert (await pool.run(task(tmp_path))).body
        assert pids() == before

    with_pool(tmp_path, body)


def test_a_session_holds_its_worker_for_the_length_of_the_block(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()):
            with pytest.raises(QueueFull):
                await pool.run(task(tmp_path), wait_s=0.1)
        assert (await pool.run(task(tmp_path))).body

    with_pool(tmp_path, body)


def test_a_block_that_fails_or_is_cancelled_costs_no_worker(tmp_path: Path) -> None:
    async def hold(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            await session.send(b"say x")
            await session.receive()
            await session.receive()

    async def leave_by_an_error(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            await session.send(b"say x")
            raise KeyError

    async def body(pool: WorkerPool) -> None:
        before = pids()
        holding = asyncio.create_task(hold(pool))
        await asyncio.sleep(0.2)
        holding.cancel()
        with pytest.raises(KeyError):
            await leave_by_an_error(pool)
        assert (await pool.run(task(tmp_path))).body
        assert pids() == before

    with_pool(tmp_path, body)


def test_an_unknown_model_is_refused_at_the_door(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        with pytest.raises(TaskFailed) as failed:
            async with pool.session(wire.SessionTask("nonsense")):
                raise AssertionError("it must not begin")
        assert failed.value.code == "unknown_model"
        assert (await pool.run(task(tmp_path))).body
        assert pids() == before

    with_pool(tmp_path, body)


def test_a_refusal_in_the_middle_ends_the_session_and_keeps_the_worker(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        async with pool.session(wire.SessionTask()) as session:
            await session.send(b"no_face")
            await session.send(b"say x")
            for _ in range(2):
                with pytest.raises(TaskFailed):
                    await session.receive()
            with pytest.raises(TaskFailed):
                await session.send(b"say y")
        assert (await pool.run(task(tmp_path))).body
        assert pids() == before

    with_pool(tmp_path, body)


@pytest.mark.parametrize(("word", "error"), [(b"die", WorkerDied), (b"raise", TaskFailed), (b"sleep 20", TaskTimedOut)])
def test_a_worker_that_fails_in_a_session_is_replaced(tmp_path: Path, word: bytes, error: type[Exception]) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        async with pool.session(wire.SessionTask()) as session:
            await session.send(word)
            with pytest.raises(error):
                await session.receive()
        assert (await pool.run(task(tmp_path))).body
        assert pids().isdisjoint(before)

    with_pool(tmp_path, body, session_message_s=1.0)


def test_a_worker_killed_while_nothing_is_said_is_told_with_the_next_word(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            os.kill(pids().pop(), signal.SIGKILL)
            with pytest.raises(WorkerDied):
                await session.receive()

    with_pool(tmp_path, body)


def test_a_worker_that_hangs_is_killed_although_nobody_listens(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        before = pids()
        async with pool.session(wire.SessionTask()) as session:
            await session.send(b"sleep 20")
            await until(lambda: pids().isdisjoint(before))

    with_pool(tmp_path, body, session_message_s=0.5)


def test_silence_has_no_deadline(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            for _ in range(2):
                await asyncio.sleep(1.0)
                await session.send(b"say x")
                assert await session.receive()

    with_pool(tmp_path, body, session_message_s=0.5)


def test_who_sends_faster_than_the_worker_works_has_to_wait(tmp_path: Path) -> None:
    async def body(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            since = time.monotonic()
            for _ in range(4):
                await session.send(b"sleep 0.3")
                assert session.pending <= 2
            assert time.monotonic() - since >= 0.5

    with_pool(tmp_path, body)


def test_updates_that_nobody_reads_do_not_pile_up(tmp_path: Path) -> None:
    sent = 0

    async def send_for_ever(session: Session) -> None:
        nonlocal sent
        while True:
            await session.send(b"say x")
            sent += 1

    async def body(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(send_for_ever(session), 1.0)
            assert sent < 20
            for _ in range(sent):
                await session.receive()
            await session.send(b"say x")

    with_pool(tmp_path, body)


def test_the_pool_may_end_in_the_middle_of_a_session(tmp_path: Path) -> None:
    async def hold(pool: WorkerPool) -> None:
        async with pool.session(wire.SessionTask()) as session:
            await session.receive()

    async def body(pool: WorkerPool) -> None:
        holding = asyncio.create_task(hold(pool))
        await asyncio.sleep(0.2)
        await pool.stop()
        with pytest.raises(WorkerDied):
            await holding

    with_pool(tmp_path, body)
