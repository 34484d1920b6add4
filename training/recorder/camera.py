"""Where pictures come from, each with its moment on this computer's monotonic clock."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import av

from facepulse.sources import SourceUnavailable, captured, open_camera

_RETRY_S = 0.5
_OLDEST_S = 1.0  # a driver's time stamp that lies further back is of some other clock


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and when it was taken, on time.monotonic()."""

    time_s: float
    picture: av.VideoFrame


class Camera(Protocol):
    """A source of pictures.

    fps: the rate that it promises. connected: whether it delivers now. unplugged: how often it went.
    """

    fps: float
    connected: bool
    unplugged: int

    def shots(self, stop: Event) -> Iterator[Shot]:
        """Yield what it sees until `stop`. Raises SourceUnavailable when it was never there."""
        ...


class LiveCamera:
    """A camera that OpenCV opens, by its number, its path, its address or a GStreamer pipeline.

    Where the driver says on the monotonic clock when a picture was taken (V4L2 does), that counts; else when it came.
    """

    def __init__(self, name: int | str, *, width: int = 640, height: int = 480, fps: float = 30.0) -> None:
        self.fps = fps
        self.connected = False
        self.unplugged = 0
        self._name, self._width, self._height = name, width, height

    def shots(self, stop: Event) -> Iterator[Shot]:
        """See Camera.shots. A camera that has gone is looked for until it is there again."""
        seen = False
        while not stop.is_set():
            try:
                with open_camera(self._name, width=self._width, height=self._height, fps=self.fps) as capture:
                    for shot in _taken(capture):
                        seen = self.connected = True
                        yield shot
                        if stop.is_set():
                            return
            except SourceUnavailable:
                if not seen:
                    raise
                self.unplugged += self.connected
                self.connected = False
                stop.wait(_RETRY_S)


def _taken(capture: Any) -> Iterator[Shot]:
    import cv2  # noqa: PLC0415

    for came_s, bgr in captured(capture):
        driver_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        time_s = driver_s if 0 <= came_s - driver_s < _OLDEST_S else came_s
        yield Shot(time_s, av.VideoFrame.from_ndarray(bgr, "bgr24"))


class FileCamera:
    """A video file in a camera's place: its frames come at their own times, and then no more."""

    def __init__(self, path: Path) -> None:
        """Look into the file. Raises SourceUnavailable."""
        self.connected = False
        self.unplugged = 0
        self.began_s: float | None = None
        self._path = path
        try:
            with av.open(str(path)) as container:
                self.fps = float(container.streams.video[0].average_rate or 30)
        except (OSError, IndexError, av.FFmpegError) as error:
            raise SourceUnavailable("the file cannot be read as a video") from error

    def shots(self, stop: Event) -> Iterator[Shot]:
        """See Camera.shots. began_s: the moment at which the file's time was 0, once the first has come."""
        with av.open(str(self._path)) as container, suppress(av.FFmpegError):
            for picture in container.decode(video=0):
                if self.began_s is None:
                    self.began_s = time.monotonic() - (picture.time or 0.0)
                    self.connected = True
                time_s = self.began_s + (picture.time or 0.0)
                if stop.wait(max(0.0, time_s - time.monotonic())):
                    return
                yield Shot(time_s, picture)
