"""Where workers and requests meet: free workers on one side, a bounded queue of requests on the other."""

import asyncio
from collections import deque

from service.worker_handle import QueueFull, Worker


class Desk:
    """Hands free workers to whoever waits, first come first served; never keeps one that has to leave."""

    def __init__(self, queue_length: int, max_tasks: int) -> None:
        self._queue_length = queue_length
        self._max_tasks = max_tasks
        self._idle: deque[Worker] = deque()
        self._busy: set[Worker] = set()
        self._waiting: deque[asyncio.Future[Worker]] = deque()

    @property
    def idle(self) -> int:
        """How many workers are free."""
        return len(self._idle)

    @property
    def busy(self) -> int:
        """How many workers are at work."""
        return len(self._busy)

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether a further request would be turned away."""
        return not self._idle and len(self._waiting) >= self._queue_length

    async def take(self, wait_s: float) -> Worker:
        """Return a worker to work with, until it is given back. Raises QueueFull, also after wait_s."""
        worker = await self._next(wait_s)
        self._busy.add(worker)
        return worker

    def give_back(self, worker: Worker) -> None:
        """Take a worker back, or a new one on: for the next request, unless it has to leave."""
        self._busy.discard(worker)
        if worker.healthy and worker.tasks_done >= self._max_tasks:
            worker.leave("worn_out")
        if worker.leaving or not worker.healthy:
            worker.finish()
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)

    def dismiss(self, worker: Worker, why: str) -> None:
        """Have a worker leave: at once if it is free, else after its task."""
        worker.leave(why)
        if worker in self._idle:
            self._idle.remove(worker)
            worker.finish()

    def note_death(self, worker: Worker) -> None:
        """Let a worker go that died while it was free; whoever has one at work finds out for himself."""
        if worker in self._idle:
            self.dismiss(worker, "died")

    def close(self) -> None:
        """Turn away all who wait, with CancelledError, and forget the free workers."""
        for turn in self._waiting:
            turn.cancel()
        self._idle.clear()

    async def _next(self, wait_s: float) -> Worker:
        if self._idle:
            return self._idle.popleft()
        if self.full:
            raise QueueFull
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(wait_s):
                return await turn
        except TimeoutError as error:
            self._leave_queue(turn)
            raise QueueFull from error
        except asyncio.CancelledError:
            self._leave_queue(turn)
            raise

    def _leave_queue(self, turn: "asyncio.Future[Worker]") -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():  # a worker came at the same moment
            self.give_back(turn.result())
