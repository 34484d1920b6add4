"""Live video as messages: in come capture times with JPEG pictures, out goes JSON about once a second."""

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from service.pipeline.clock import FrameClock
from service.pipeline.container import bad_size, fits
from service.pipeline.errors import FramesMismatch, NoColour, ResolutionChanged, TimestampsInvalid
from service.pipeline.face import crop_of
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.live import Follower, LiveEstimator, LiveUpdate, Spectrum
from service.pipeline.stills import StillDecoder
from service.pipeline.stretches import Stretch
from service.pipeline.types import Box, DecodeLimits, ModelInfo, PulseModel, TrackedFace

_TIME = struct.Struct(">d")
_MIN_FACE_PX = 16


class GivenFace:
    """A face whose place the caller knows: `box` closely around it, in pixels, in every frame.

    Raises FramesMismatch for a box that lies in no picture within the limits, or has hardly any pixels.
    """

    def __init__(self, box: Box, limits: DecodeLimits) -> None:
        across = box.x0 >= 0 and box.x0 + _MIN_FACE_PX <= box.x1 <= limits.max_width
        down = box.y0 >= 0 and box.y0 + _MIN_FACE_PX <= box.y1 <= limits.max_height
        if not (across and down):
            raise FramesMismatch("the face's box does not lie within the picture")
        self._face = TrackedFace(0, crop_of(box), moved=False)

    def update(self, frame: Frame) -> tuple[TrackedFace, ...]:
        """Return the crop, always the same."""
        del frame
        return (self._face,)

    def forget(self) -> None:
        """Forget nothing: there is but one crop."""


class LiveMessages:
    """One session. A message is the capture time (float64, big-endian, seconds on any clock) and a JPEG or PNG.

    A message without bytes asks for the last update at once.
    """

    def __init__(self, model: PulseModel, follower: Follower, limits: DecodeLimits) -> None:
        self._model = model.info
        self._clock = FrameClock(limits, 0.0, None)
        self._decoder = StillDecoder(limits)
        self._limits = limits
        self._size: tuple[int, int] | None = None  # of the first picture that came without a file
        self._estimator = LiveEstimator(model, follower, min_fps=limits.min_fps)

    def push(self, message: bytes) -> bytes | None:
        """Take the next message; return an update as JSON when one is due, null for the last where nothing is known.

        A frame with the time of the one before is left out. Raises InputError for what cannot be used:
        TimestampsInvalid, FrameRateOutOfRange or VideoTooLong for its time, else as StillDecoder.decode.
        """
        if not message:
            last = self._estimator.update()
            return b"null" if last is None else self._told(last, final=True)
        if len(message) <= _TIME.size:
            raise FramesMismatch("a message is the capture time and a picture")
        (stamp_s,) = _TIME.unpack_from(message)
        if not math.isfinite(stamp_s):
            raise TimestampsInvalid("a frame's time is no finite number")
        return self._push(stamp_s, lambda time_s: self._decoder.decode(message[_TIME.size :], time_s))

    def push_picture(self, stamp_s: float, rgb: NDArray[np.uint8]) -> bytes | None:
        """Take the next frame of a camera at hand, uint8 (height, width, 3), as `push` does, without a JPEG between.

        Raises NoColour, ResolutionOutOfRange or ResolutionChanged for the picture; for its time as `push`.
        """
        return self._push(stamp_s, lambda time_s: self._frame(rgb, time_s))

    def _frame(self, rgb: NDArray[np.uint8], time_s: float) -> Frame:
        if rgb.ndim != 3 or rgb.shape[2] != 3:
            raise NoColour("a picture has three colours")
        frame = frame_from_rgb(rgb, time_s)
        size = (frame.width, frame.height)
        if self._size is None and not fits(*size, self._limits):
            raise bad_size(self._limits)
        if self._size not in (None, size):
            raise ResolutionChanged("the pictures are not all of one size")
        self._size = size
        return frame

    def _push(self, stamp_s: float, frame_at: Callable[[float], Frame]) -> bytes | None:
        time_s = self._clock.place(stamp_s)
        if time_s is None:
            return None
        with self._estimator.timed("decode"):
            frame = frame_at(time_s)
        update = self._estimator.push(frame)
        return None if update is None else self._told(update)

    def _told(self, update: LiveUpdate, *, final: bool = False) -> bytes:
        return to_json(_fields(update, self._model) | {"final": final}, inf_nan_mode="null")


def _fields(update: LiveUpdate, model: ModelInfo) -> dict[str, Any]:
    """Return what an update says, rounded to what it is worth; samples to the last bit."""
    box = update.face
    return {
        "time_s": round(update.time_s, 3),
        "status": update.status,
        "bpm": _rounded(update.bpm, 2),
        "confidence": round(update.confidence, 3),
        "snr_db": _rounded(update.snr_db, 2),
        "window_s": round(update.window_s, 2),
        "samples": _stretch(update.samples, 9),
        "bvp": _stretch(update.bvp, 4),
        "spectrum": None if update.spectrum is None else _spectrum(update.spectrum),
        "face": None if box is None else {"box": {side: round(getattr(box, side), 1) for side in Box.__slots__}},
        "fps": round(update.fps, 2),
        "frames": update.frames,
        "warnings": update.warnings,
        "model": model,
        "timing_ms": {stage: round(1000 * seconds, 2) for stage, seconds in update.timing_s.items()},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _stretch(stretch: Stretch, significant: int) -> dict[str, Any]:
    """Nine significant digits tell every float32 from its neighbours."""
    values = [float(f"{value:.{significant}g}") for value in stretch.values.tolist()]
    return {"fps": stretch.fps, "start_s": round(stretch.start_s, 6), "values": values}


def _spectrum(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "start_hz": round(spectrum.start_hz, 6),
        "step_hz": round(spectrum.step_hz, 6),
        "power": [round(value, 3) for value in spectrum.power.tolist()],
    }
