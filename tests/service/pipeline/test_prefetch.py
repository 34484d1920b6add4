"""Frames arrive in order, errors arrive after them, memory is bounded, and the thread ends."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from service.pipeline.errors import VideoMalformed
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.prefetch import MAX_AHEAD_BYTES, prefetch


def pictures(count: int, side: int = 8, made: list[int] | None = None) -> Iterator[Frame]:
    for index in range(count):
        if made is not None:
            made.append(index)
        yield frame_from_rgb(np.zeros((side, side, 3), np.uint8), float(index))


def decode_threads() -> int:
    return sum(thread.name == "decode" for thread in threading.enumerate())


def test_frames_keep_their_order() -> None:
    assert [frame.time_s for frame in prefetch(pictures(200))] == list(range(200))


def test_an_error_comes_after_the_frames_before_it() -> None:
    def broken() -> Iterator[Frame]:
        yield from pictures(3)
        raise VideoMalformed("broken")

    frames = prefetch(broken())
    assert [next(frames).time_s for _ in range(3)] == [0, 1, 2]
    with pytest.raises(VideoMalformed):
        next(frames)


def test_large_pictures_are_not_piled_up() -> None:
    made: list[int] = []
    side = 2048
    with closing(prefetch(pictures(50, side, made))) as frames:
        next(frames)
        time.sleep(0.2)
        assert len(made) <= MAX_AHEAD_BYTES // (3 * side * side) + 4


def test_stopping_early_ends_the_thread() -> None:
    before = decode_threads()
    with closing(prefetch(pictures(10_000_000))) as frames:
        next(frames)
        assert decode_threads() == before + 1
    assert decode_threads() == before
