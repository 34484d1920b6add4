"""Video files: frames with their own times through a real encoder, at full frame size.

At low rates an encoder that looks at the frame before passes a small change on late: the pulse in H.264 of 0.15 bits
per pixel comes 25 ms after the pulse that was drawn, in motion JPEG it does not. Truth is what was drawn.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import av
import cv2
import numpy as np

from training.synthesis.skin import Pixels

_TICKS = 90_000


@dataclass(frozen=True, slots=True)
class CodecSettings:
    """One encoder.

    name: `h264`, `mpeg4`, `vp8`, `vp9` or `mjpeg`. container: `mp4`, `mov`, `mkv`, `webm` or `avi` (which holds no
    times of its own: its frames are evenly spaced). bits_per_pixel: mean size of a frame over its pixels. gop:
    frames between key frames. preset: of H.264. b_frames: how many frames in a row H.264 may predict from both sides.
    """

    name: str = "h264"
    container: str = "mp4"
    bits_per_pixel: float = 0.1
    gop: int = 60
    preset: str = "ultrafast"
    b_frames: int = 0


_ENCODERS = {
    "h264": ("libx264", {}),
    "mpeg4": ("mpeg4", {}),
    # Negative cpu-used pins VP8's speed; a positive one follows the clock and is not repeatable.
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "auto-alt-ref": "0"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}),
    "mjpeg": ("mjpeg", {}),
}
CODECS = tuple(_ENCODERS)


class VideoWriter:
    """Writes RGB frames to `path`, one thread. A context manager; the file is whole when it closes.

    The encoder counts frames and the container gets the true times: rate control then sees the nominal frame rate.
    """

    def __init__(self, path: Path, settings: CodecSettings, width: int, height: int, fps: float) -> None:
        self._even = settings.container == "avi"
        self._fps = Fraction(fps).limit_denominator(1001)
        name, options = _ENCODERS[settings.name]
        self._container = av.open(str(path), "w", format=_FORMATS[settings.container])
        stream = self._container.add_stream(name, rate=self._fps, options=dict(options))
        self._stream = cast(Any, stream)
        context = self._stream.codec_context
        context.width, context.height = width, height
        context.time_base = 1 / self._fps
        context.thread_count = 1
        context.gop_size = settings.gop
        context.bit_rate = int(settings.bits_per_pixel * width * height * self._fps)
        self._full_range = settings.name == "mjpeg"
        context.pix_fmt = "yuvj420p" if self._full_range else "yuv420p"
        context.colorspace, context.color_range = 5, 2 if self._full_range else 1  # BT.601
        if settings.name == "h264":
            context.options = {"preset": settings.preset, "threads": "1", "bf": str(settings.b_frames)}
        if not self._even:
            self._stream.time_base = Fraction(1, _TICKS)
        self._times_s: list[float] = []

    def write(self, rgb: Pixels, time_s: float) -> None:
        """Encode one frame, uint8 (height, width, 3); times must rise."""
        if self._full_range:
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuvj420p")
        else:
            frame = av.VideoFrame.from_ndarray(
                np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8), "yuv420p"
            )
        frame.pts = len(self._times_s)
        frame.time_base = 1 / self._fps
        self._times_s.append(time_s)
        self._mux(self._stream.encode(frame))

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            if not self._even:
                shown, decoded = self._ticks(packet.pts), self._ticks(packet.dts)
                packet.time_base = Fraction(1, _TICKS)
                packet.pts, packet.dts = shown, decoded
            self._container.mux(packet)

    def _ticks(self, frame: int) -> int:
        """The time of a frame by its number; B-frames let the decoder begin before the first."""
        if frame < 0:
            return self._ticks(0) + round(frame / self._fps * _TICKS)
        return round(self._times_s[frame] * _TICKS)


_FORMATS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm", "avi": "avi"}
