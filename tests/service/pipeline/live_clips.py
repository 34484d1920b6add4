"""Live messages of rendered faces: capture times and JPEG pictures, as a camera's client sends them."""

import struct
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray

from tests.service.pipeline.renders import face_recipe
from training.synthesis.faces import AstronautFace
from training.synthesis.pulse_wave import make_truth
from training.synthesis.render import render_frames

Rgb = NDArray[np.uint8]


def jpeg(rgb: Rgb) -> bytes:
    """Encode a picture, uint8 (height, width, 3), as JPEG of good quality."""
    coder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.height, coder.width = rgb.shape[:2]
    coder.pix_fmt, coder.time_base, coder.qmin, coder.qmax = "yuvj420p", Fraction(1, 30), 3, 3
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*coder.encode(picture), *coder.encode(None)])


def message(time_s: float, picture: bytes) -> bytes:
    """Join a capture time and a picture."""
    return struct.pack(">d", time_s) + picture


@lru_cache(maxsize=4)
def face_messages(*, pulse: bool = True, duration_s: float = 11.5, fps: float = 30.0) -> tuple[bytes, ...]:
    """Return the messages of a rendered face at 78 bpm, 320x240, on a clock that began 1000 s ago."""
    recipe = face_recipe(pulse=pulse, duration_s=duration_s, fps=fps)
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    frames = render_frames(recipe, AstronautFace(), truth)
    return tuple(message(1000.0 + time_s, jpeg(rgb)) for time_s, rgb in frames)


def wall(seconds: float, *, level: int = 120, fps: float = 30.0, start_s: float = 0.0) -> list[bytes]:
    """Return the messages of a wall without a face."""
    rgb = np.full((240, 320, 3), (level, level * 3 // 4, level // 2), np.uint8)
    return [message(start_s + index / fps, jpeg(rgb)) for index in range(round(seconds * fps))]
