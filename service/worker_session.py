"""A session: one worker held for a live measurement, messages both ways, a deadline for each.

The worker answers every message, most of them with nothing; so the service knows how many are still before it, can
make the sender wait, and can end a worker that hangs in one.
"""

import asyncio

from service import wire
from service.worker_handle import PoolError, TaskTimedOut, Worker, WorkerDied

_MAX_PENDING = 2  # messages that wait in the worker: one at work, one to go on with
_MAX_UNREAD = 8  # updates that nobody has received: then the sender waits too, so that nothing grows


class Session:
    """The service's end of a session; one task may send while another receives."""

    def __init__(self, worker: Worker, message_s: float) -> None:
        self._worker = worker
        self._message_s = message_s
        self._pending = 0
        self._updates: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._timeout: asyncio.Timeout | None = None
        self._listener: asyncio.Task[None] | None = None
        self._failure: PoolError | None = None

    @property
    def pending(self) -> int:
        """How many messages the worker has not answered yet, 0 to 2."""
        return self._pending

    async def begin(self, task: wire.SessionTask) -> None:
        """Have the worker begin. Raises WorkerDied, TaskTimedOut or TaskFailed."""
        self._worker.begin_work()
        self._listener = asyncio.create_task(self._listen())
        await asyncio.sleep(0)  # lets it begin, so that there is a clock to set
        self._post(wire.Frame.of_task(task))
        while self._pending:
            await self._change()

    async def send(self, body: bytes) -> None:
        """Send a message; waits while the worker has enough of them, or while too many updates are unread.

        Raises WorkerDied, TaskTimedOut or TaskFailed once the session is over, MessageTooLarge.
        """
        while self._pending >= _MAX_PENDING or self._updates.qsize() >= _MAX_UNREAD:
            await self._change()
        self._raise_if_over()
        self._post(wire.Frame(wire.MESSAGE, body))

    async def receive(self) -> bytes:
        """Return the worker's next update. Raises WorkerDied, TaskTimedOut or TaskFailed once the session is over."""
        update = await self._updates.get()
        if update is None:
            self._updates.put_nowait(None)
            self._raise_if_over()
        self._changed.set()
        assert update is not None, "a session that is over raises"
        return update

    async def end(self) -> None:
        """End the session; the worker is `healthy` afterwards when it agrees in time."""
        if self._listener is None:
            return
        try:
            if not self._listener.done():
                self._post(wire.Frame(wire.CLOSE, b""))
            await self._listener  # its clock runs
        except PoolError:
            self._worker.process.kill()
        finally:
            self._listener.cancel()
            self._worker.end_work(self._failure)

    def _post(self, frame: wire.Frame) -> None:
        self._worker.send(frame)
        if not self._pending:
            self._set_clock(running=True)
        self._pending += 1

    async def _change(self) -> None:
        """Wait for the worker to answer or for an update to be read."""
        self._raise_if_over()
        self._changed.clear()
        await self._changed.wait()

    def _raise_if_over(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._listener is not None and self._listener.done():
            raise WorkerDied

    def _set_clock(self, *, running: bool) -> None:
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._message_s if running else None)

    async def _listen(self) -> None:
        """Take the worker's answers until the session is over; what ended it is kept for whoever asks."""
        try:
            async with asyncio.timeout(None) as self._timeout:
                frame = await self._worker.next_frame()
                while frame.kind == wire.MESSAGE:
                    self._answered(frame.body)
                    frame = await self._worker.next_frame()
            self._worker.conclude(frame)
        except (PoolError, TimeoutError) as error:
            self._failure = error if isinstance(error, PoolError) else TaskTimedOut()
            if not self._worker.healthy:
                self._worker.process.kill()
        finally:
            self._timeout = None
            self._updates.put_nowait(None)
            self._changed.set()

    def _answered(self, update: bytes) -> None:
        self._pending = max(self._pending - 1, 0)
        self._set_clock(running=self._pending > 0)
        if update:
            self._updates.put_nowait(update)
        self._changed.set()
