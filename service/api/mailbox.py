"""A few frames on their way to a worker: when it is behind, the newest stay and the oldest go."""

import asyncio
from collections import deque

PLACES = 8  # a quarter of a second at 30 fps: what comes in a burst after a hiccup of the network is kept


class Mailbox:
    """Between the task that reads a client's frames and the one that feeds the worker; `places` is all it holds."""

    def __init__(self, places: int = PLACES) -> None:
        self._bodies: deque[bytes] = deque(maxlen=places)
        self._filled = asyncio.Event()
        self.received = 0
        self.dropped = 0

    def put(self, body: bytes) -> None:
        """Take a frame; the oldest one goes when there is no room."""
        self.received += 1
        self.dropped += len(self._bodies) == self._bodies.maxlen
        self._bodies.append(body)
        self._filled.set()

    def close(self) -> None:
        """Say that no more will come: behind the frames that wait stands an empty one."""
        self._bodies = deque([*self._bodies, b""])
        self._filled.set()

    async def get(self) -> bytes:
        """Return the oldest frame that waits; no bytes once it is closed and empty."""
        while not self._bodies:
            self._filled.clear()
            await self._filled.wait()
        return self._bodies.popleft()
