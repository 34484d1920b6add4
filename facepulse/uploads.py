"""What is sent: a video as a path, an open file or bytes; or frames as image files or RGB arrays."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

Video: TypeAlias = str | os.PathLike[str] | BinaryIO | bytes
Headers: TypeAlias = list[tuple[str, str]]
_LONGEST_HEADER = 4000  # proxies take no longer ones


@contextmanager
def open_video(video: Video) -> Iterator[tuple[str, BinaryIO | bytes]]:
    """Yield a file name that tells the service nothing, and the content; an open file is sent from its beginning.

    video: a `repeatable` one. Raises OSError when a path cannot be read. The caller's own file stays open.
    """
    if isinstance(video, bytes):
        yield "video", video
    elif isinstance(video, str | os.PathLike):
        with Path(video).open("rb") as file:
            yield "video", file
    else:
        video.seek(0)
        yield "video", video


def repeatable(video: Video) -> Video:
    """Return a video that can be sent again: what cannot seek (a pipe, a socket) as the bytes that it still has.

    Raises OSError when it cannot be read.
    """
    if isinstance(video, bytes | str | os.PathLike) or video.seekable():
        return video
    return video.read()


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Frames as they are sent: image files, or raw RGB24 with its layout in headers."""

    images: tuple[bytes, ...] = ()
    raw: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


def frame_batch(frames: Iterable[Any], *, timestamps_s: Sequence[float] | None, fps: float | None) -> FrameBatch:
    """Take JPEG or PNG files as bytes, or RGB pictures as uint8 arrays of (height, width, 3), all of one size.

    Whatever gives its memory away is an array: NumPy's, torch's on the CPU, Pillow's through numpy.asarray.
    Raises ValueError for anything else, or none.
    """
    pictures = list(frames)
    times = None if timestamps_s is None else [f"{time_s:.6f}" for time_s in timestamps_s]
    if not pictures:
        raise ValueError("there are no frames")
    if all(isinstance(picture, bytes) for picture in pictures):
        given = {
            "fps": None if fps is None else f"{fps:.6f}",
            "timestamps_s": None if times is None else ",".join(times),
        }
        fields = tuple((name, value) for name, value in given.items() if value is not None)
        return FrameBatch(images=tuple(pictures), fields=fields)
    return _raw_batch([_rgb_view(picture) for picture in pictures], times, fps)


def _raw_batch(views: "list[memoryview[Any]]", times: list[str] | None, fps: float | None) -> FrameBatch:
    (height, width, _) = views[0].shape or ()
    if any(view.shape != views[0].shape for view in views):
        raise ValueError("all frames must have one size")
    headers: Headers = [
        ("X-Frame-Count", str(len(views))),
        ("X-Frame-Height", str(height)),
        ("X-Frame-Width", str(width)),
    ]
    headers += [] if fps is None else [("X-Frame-Fps", f"{fps:.6f}")]
    headers += [("X-Frame-Timestamps", part) for part in _joined(times or [])]
    headers += [("Content-Type", "application/octet-stream")]
    return FrameBatch(raw=b"".join(view.tobytes() for view in views), headers=tuple(headers))


def _rgb_view(picture: Any) -> "memoryview[Any]":
    try:
        view = memoryview(picture)
    except TypeError as error:
        raise ValueError("a frame must be image bytes or an array") from error
    if view.format != "B" or view.ndim != 3 or (view.shape or ())[2] != 3:
        raise ValueError("an array must be uint8 of (height, width, 3), RGB")
    return view


def _joined(times: list[str]) -> Iterator[str]:
    """Yield the times in as many comma-separated lists as headers need."""
    most = _LONGEST_HEADER // (max(map(len, times), default=1) + 1)
    for first in range(0, len(times), most):
        yield ",".join(times[first : first + most])
