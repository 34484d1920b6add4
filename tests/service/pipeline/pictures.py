"""Single pictures made on the spot with PyAV, and ways to break them."""

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from service.pipeline.images import FrameBatch
from tests.service.pipeline.media import Rgb

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def jpeg(rgb: Rgb, pix_fmt: str = "yuvj444p") -> bytes:
    """Return a JPEG of high quality."""
    return _encoded(rgb, "mjpeg", pix_fmt)


def png(rgb: Rgb, pix_fmt: str = "rgb24") -> bytes:
    return _encoded(rgb, "png", pix_fmt)


def _encoded(rgb: Rgb, codec: str, pix_fmt: str) -> bytes:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.height, encoder.width = rgb.shape[:2]
    encoder.pix_fmt, encoder.time_base = pix_fmt, Fraction(1, 30)
    if codec == "mjpeg":
        encoder.qmin = encoder.qmax = 2
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(format=pix_fmt)
    return b"".join(bytes(packet) for frame in (picture, None) for packet in encoder.encode(frame))


def chunk(name: bytes, payload: bytes) -> bytes:
    """Return one PNG chunk."""
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def with_chunk(data: bytes, new: bytes) -> bytes:
    """Put a chunk right after the header of a PNG."""
    return data[:33] + new + data[33:]


def png_that_says(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it is so large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def jpeg_that_says(width: int, height: int, *, marker: int = 0xC0, bits: int = 8) -> bytes:
    """Return the beginning of a JPEG that says it is so large."""
    return b"\xff\xd8\xff\xfe\0\4ab\xff" + struct.pack(">BHBHHB", marker, 11, bits, height, width, 1) + bytes(20)


def with_orientation(data: bytes, orientation: int, order: str = ">") -> bytes:
    """Put an Exif block with this orientation at the beginning of a JPEG."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entries = [(0x10F, 2, 4, 0), (0x112, 3, 1, orientation)]
    directory = b"".join(
        struct.pack(order + "HHIHH", tag, kind, count, value, 0) for tag, kind, count, value in entries
    )
    tiff = mark + struct.pack(order + "IH", 8, len(entries)) + directory + bytes(4)
    payload = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def write_images(path: Path, images: Sequence[bytes], fps: float = 30.0) -> FrameBatch:
    """Write image files one after the other."""
    path.write_bytes(b"".join(images))
    offsets = (0, *np.cumsum([len(image) for image in images]).tolist())
    return FrameBatch(path, tuple(i / fps for i in range(len(images))), "images", offsets=offsets)


def write_raw(path: Path, frames: Rgb, fps: float = 30.0) -> FrameBatch:
    """Write raw frames, uint8 (n, height, width, 3)."""
    path.write_bytes(frames.tobytes())
    count, height, width, _ = frames.shape
    return FrameBatch(path, tuple(i / fps for i in range(count)), "rgb24", width, height)
