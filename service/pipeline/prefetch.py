"""A generator run ahead in a thread: FFmpeg decodes the next frames while the last ones are cropped and inferred."""

import threading
from collections import deque
from collections.abc import Generator, Iterator

from service.pipeline.frame import Frame

MAX_AHEAD_BYTES = 16 * 2**20
MIN_AHEAD_FRAMES = 2


def prefetch(frames: Iterator[Frame]) -> Generator[Frame]:
    """Yield the frames of `frames`, which runs up to 16 MiB of pictures ahead in a thread of its own.

    What `frames` raises is raised here after the frames before it. Closing this generator ends the thread.
    """
    shelf = _Shelf()
    thread = threading.Thread(target=shelf.fill, args=(frames,), name="decode", daemon=True)
    thread.start()
    try:
        while (frame := shelf.take()) is not None:
            yield frame
    finally:
        shelf.close()
        thread.join()


class _Shelf:
    """Frames between two threads, bounded by their bytes."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._done = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def fill(self, frames: Iterator[Frame]) -> None:
        error: BaseException | None = None
        try:
            for frame in frames:
                if not self._put(frame):
                    break
        except BaseException as raised:  # carried over to the consuming thread
            error = raised
        with self._changed:
            self._error, self._done = error, True
            self._changed.notify_all()

    def take(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._done)
            if self._frames:
                frame = self._frames.popleft()
                self._bytes -= _bytes(frame)
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            return None

    def close(self) -> None:
        with self._changed:
            self._done = True
            self._frames.clear()
            self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._has_room())
            if self._done:
                return False
            self._frames.append(frame)
            self._bytes += _bytes(frame)
            self._changed.notify_all()
            return True

    def _has_room(self) -> bool:
        return len(self._frames) < MIN_AHEAD_FRAMES or self._bytes < MAX_AHEAD_BYTES


def _bytes(frame: Frame) -> int:
    return sum(plane.nbytes for plane in frame.planes)
