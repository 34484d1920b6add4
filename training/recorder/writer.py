"""A take's two files, in the form that training/datasets/own.py reads, whole up to the last moment before a crash.

    <take>.mkv   the pictures with their own times: FFV1, lossless, or H.264 at a quality that keeps the pulse
    <take>.csv   time_s, ppg, board_us, arrival_s: seconds from the first frame, the sensor's value; the board's own
                 time and when the sample came, from which time_s could be made again

Matroska needs no end to be read. Each picture but the last is written when the next comes, each line of the CSV at
once, and every few seconds both go to the disk itself, for the case that the power fails. Only the owner may read them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av

from training.recorder.camera import Shot
from training.recorder.stream import Sample

VIDEO_SUFFIXES = (".mkv", ".mp4", ".mov", ".webm", ".avi")
_HEADER = "time_s,ppg,board_us,arrival_s\n"
_TICKS = 1000  # Matroska counts milliseconds
_CONTAINER = {"cluster_time_limit": "1", "flush_packets": "1"}
_SYNC_EVERY_S = 5.0
_AS_IT_IS = ("yuv420p", "yuv422p", "yuv444p")  # what FFV1 takes without a conversion
_BT601, _LIMITED = 5, 1


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder that gives each frame out at once."""

    encoder: str
    options: dict[str, str]


CODECS = {
    "ffv1": Codec("ffv1", {"level": "3", "slices": "4", "slicecrc": "1"}),
    "h264": Codec("libx264", {"crf": "10", "preset": "veryfast", "tune": "zerolatency", "g": "30"}),
}


class TakeExists(Exception):
    """There is a take of this name already; nothing is ever written over it."""


class TakeCutOff(Exception):
    """Writing failed: no space, no permission. What was written before stays as it is."""


def check_free(take: Path) -> None:
    """Raise TakeExists if the take, a path without suffix, has a file already."""
    for suffix in (*VIDEO_SUFFIXES, ".csv"):
        if beside(take, suffix).exists():
            raise TakeExists(f"{beside(take, suffix).name} is there already: choose another name")


def beside(take: Path, suffix: str) -> Path:
    """Return the take's file of a suffix; a dot in its name is no suffix."""
    return take.with_name(take.name + suffix)


class TakeWriter:
    """Writes shots and samples as they come; a context manager. The first shot is time 0. Raises TakeCutOff.

    frames, samples: how many were written.
    """

    def __init__(self, take: Path, codec: str, first: Shot) -> None:
        """Make the two files. Raises TakeExists."""
        check_free(take)
        self.frames = self.samples = 0
        self._origin_s = first.time_s
        self._size = first.picture.width, first.picture.height
        self._last_tick = -1
        self._synced_s = time.monotonic()
        self._files = ExitStack()
        with _told():
            take.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._csv = self._files.enter_context(
                open(beside(take, ".csv"), "x", buffering=1, encoding="ascii", newline="", opener=_private)  # noqa: SIM115
            )
            self._csv.write(_HEADER)
            self._file = self._files.enter_context(
                open(beside(take, ".mkv"), "xb", buffering=0, opener=_private)  # noqa: SIM115
            )
            self._container = self._files.enter_context(
                av.open(self._file, "w", format="matroska", container_options=_CONTAINER)
            )
        self._stream = self._add_stream(CODECS[codec], first.picture)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with _told(), self._files:
                self._container.mux(self._stream.encode(None))
        except TakeCutOff:
            if error is None:
                raise

    def time_s(self, monotonic_s: float) -> float:
        """Return a moment on the take's own clock."""
        return monotonic_s - self._origin_s

    def add_shot(self, shot: Shot) -> bool:
        """Write a picture; return whether it could be: of the first one's size, and later than the one before."""
        tick = round(self.time_s(shot.time_s) * _TICKS)
        if (shot.picture.width, shot.picture.height) != self._size or tick <= self._last_tick:
            return False
        picture = shot.picture.reformat(format=self._stream.pix_fmt, dst_colorspace=self._matrix)
        picture.pts, picture.time_base = tick, Fraction(1, _TICKS)
        picture.pict_type = 0  # what it was in the file it came from
        with _told():
            self._container.mux(self._stream.encode(picture))
            self._sync()
        self._last_tick = tick
        self.frames += 1
        return True

    def add_sample(self, sample: Sample) -> None:
        """Write a sample; times must rise."""
        time_s, arrival_s = self.time_s(sample.time_s), self.time_s(sample.arrival_s)
        with _told():
            self._csv.write(f"{time_s:.6f},{sample.value},{sample.board_us},{arrival_s:.6f}\n")
            self._sync()
        self.samples += 1

    def _add_stream(self, codec: Codec, first: av.VideoFrame) -> Any:
        stream = cast(Any, self._container.add_stream(codec.encoder, options=codec.options))
        context = stream.codec_context
        context.width, context.height = self._size
        context.time_base = Fraction(1, _TICKS)
        is_yuv = first.format.name in _AS_IT_IS
        self._matrix = None if is_yuv else _BT601
        if codec.encoder == "ffv1":
            context.pix_fmt = first.format.name if is_yuv else "bgr0"
        else:
            context.pix_fmt = "yuv420p"
        if is_yuv:
            context.colorspace, context.color_range = int(first.colorspace), int(first.color_range)
        elif context.pix_fmt == "yuv420p":
            context.colorspace, context.color_range = _BT601, _LIMITED
        return stream

    def _sync(self) -> None:
        if time.monotonic() - self._synced_s > _SYNC_EVERY_S:
            os.fsync(self._csv.fileno())
            os.fsync(self._file.fileno())
            self._synced_s = time.monotonic()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise TakeCutOff(f"the take cannot be written: {error.strerror}; what was written before is kept") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
