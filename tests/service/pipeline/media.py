"""Small videos made on the spot with PyAV, and ways to break them."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Painter = Callable[[int, int, int], Rgb]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a test video is made; `stamps` are presentation times in ticks of `time_base`, one per frame."""

    seconds: float = 6.0
    fps: float = 30.0
    width: int = 160
    height: int = 120
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"), ("g", "30"))
    container_options: tuple[tuple[str, str], ...] = ()
    container: str | None = None
    stamps: tuple[int, ...] | None = None
    time_base: Fraction | None = None
    colorspace: int | None = None
    color_range: int | None = None
    color_trc: int | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.stamps) if self.stamps is not None else round(self.seconds * self.fps)


def gradient(index: int, width: int, height: int) -> Rgb:
    """Paint a smooth coloured picture that changes a little from frame to frame."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    shade = 8 * np.sin(index / 5)
    planes = (150 + 60 * x + 0 * y + shade, 110 + 60 * y + 0 * x, 90 + 30 * x * y + shade)
    return np.stack(planes, axis=-1).round().astype(np.uint8)


def flat(red: int, green: int, blue: int) -> Painter:
    """Return a painter of one colour."""

    def paint(_index: int, width: int, height: int) -> Rgb:
        return np.full((height, width, 3), (red, green, blue), np.uint8)

    return paint


def write_video(path: Path, recipe: Recipe = Recipe(), paint: Painter = gradient) -> Path:
    """Write a video with one stream; return its path."""
    with av.open(str(path), "w", format=recipe.container, options=dict(recipe.container_options)) as out:
        mux(out, _add_stream(out, recipe), recipe, paint)
    return path


def write_streams(path: Path, recipes: Sequence[Recipe], *, sound_s: float = 0.0) -> Path:
    """Write several video streams and, where sound_s is not 0, a silent AAC stream."""
    with av.open(str(path), "w") as out:
        streams = [_add_stream(out, recipe) for recipe in recipes]
        sound = out.add_stream("aac", rate=16000, layout="mono") if sound_s else None
        for stream, recipe in zip(streams, recipes, strict=True):
            mux(out, stream, recipe, gradient)
        if sound is not None:
            for frame in _silence(sound_s):
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
    return path


def mux(out: av.container.OutputContainer, stream: av.VideoStream, recipe: Recipe, paint: Painter) -> None:
    """Encode all frames of a recipe into a stream."""
    for index in range(recipe.frames):
        frame = av.VideoFrame.from_ndarray(paint(index, recipe.width, recipe.height), format="rgb24")
        if recipe.pix_fmt != "rgb24":
            frame = frame.reformat(format=recipe.pix_fmt, dst_colorspace=recipe.colorspace)
        if recipe.color_range is not None:
            frame.color_range = recipe.color_range
        frame.pts = index if recipe.stamps is None else recipe.stamps[index]
        frame.time_base = recipe.time_base or 1 / _rate(recipe)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _rate(recipe: Recipe) -> Fraction:
    return Fraction(recipe.fps).limit_denominator(1001)


def _add_stream(out: av.container.OutputContainer, recipe: Recipe) -> av.VideoStream:
    stream = cast(av.VideoStream, out.add_stream(recipe.codec, rate=_rate(recipe), options=dict(recipe.options)))
    stream.width, stream.height, stream.pix_fmt = recipe.width, recipe.height, recipe.pix_fmt
    context = stream.codec_context
    if recipe.time_base is not None:
        context.time_base = recipe.time_base
    for name in ("colorspace", "color_range", "color_trc"):
        value = getattr(recipe, name)
        if value is not None:
            setattr(context, name, value)
    return stream


def _silence(seconds: float) -> Iterator[av.AudioFrame]:
    for index in range(int(seconds * 16000 / 1024)):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, index * 1024
        yield frame


# MP4 boxes


def box(kind: bytes, payload: bytes) -> bytes:
    """Return one MP4 box."""
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def find_box(data: bytes, kind: bytes, nth: int = 0) -> tuple[int, int]:
    """Return start and end of the nth box of a kind, found by its four letters."""
    at = -1
    for _ in range(nth + 1):
        at = data.index(kind, at + 1)
    start = at - 4
    return start, start + int(struct.unpack_from(">I", data, start)[0])


def patch(data: bytes, kind: bytes, offset: int, value: bytes, nth: int = 0) -> bytes:
    """Overwrite bytes at `offset` of a box's payload."""
    start = find_box(data, kind, nth)[0] + 8 + offset
    return data[:start] + value + data[start + len(value) :]


def u32(*values: int) -> bytes:
    """Pack big-endian 32-bit numbers."""
    return struct.pack(f">{len(values)}I", *values)


def turned(data: bytes, clockwise_deg: int) -> bytes:
    """Write a turn into the display matrix of the first track of an MP4."""
    one, minus = 0x10000, 0xFFFF0000
    a, b, c, d = {0: (one, 0, 0, one), 90: (0, one, minus, 0), 180: (minus, 0, 0, minus), 270: (0, minus, one, 0)}[
        clockwise_deg
    ]
    return patch(data, b"tkhd", 40, u32(a, b, 0, c, d, 0, 0, 0, 0x40000000))


def add_box(data: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """Put a box at the end of the first one at `path`; for files whose index stands at the end."""
    starts: list[int] = []
    at, end = -8, len(data)
    for kind in path:
        at = data.index(kind, at + 8, end) - 4
        end = at + int(struct.unpack_from(">I", data, at)[0])
        starts.append(at)
    for start in starts:
        size = int(struct.unpack_from(">I", data, start)[0]) + len(new)
        data = data[:start] + u32(size) + data[start + 4 :]
    return data[:end] + new + data[end:]


def restamped(data: bytes, stamps: Sequence[int]) -> bytes:
    """Give the frames of an MP4 with evenly spaced frames these presentation times, in ticks, whatever they are."""
    step = int(struct.unpack_from(">I", data, find_box(data, b"stts")[0] + 20)[0])
    table = b"".join(struct.pack(">Ii", 1, stamp - index * step) for index, stamp in enumerate(stamps))
    ctts = box(b"ctts", u32(0x01000000, len(stamps)) + table)
    without_edits = data.replace(b"edts", b"free")
    return add_box(without_edits, (b"moov", b"trak", b"mdia", b"minf", b"stbl"), ctts)
