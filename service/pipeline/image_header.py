"""Looks at a JPEG or PNG before a decoder does: its kind, its size, how it is turned, and that it is one plain picture.

ISO/IEC 10918-1 annex B (JPEG), W3C PNG third edition, CIPA DC-008 (Exif orientation).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from service.pipeline.errors import ImageMalformed, NotAnImage

ImageKind = Literal["jpeg", "png"]

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_SEGMENTS = 1000  # a JPEG of a camera has about ten before its picture
_MAX_CHUNKS = 20_000

_SOF = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended, progressive
_OTHER_SOF = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # lossless, hierarchical, arithmetic, JPEG-LS
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_ORIENTATION_TAG = 0x112
# The clockwise turn that makes the picture upright; that 2, 4, 5 and 7 are also mirrored changes no pulse.
_TURN_DEG = {3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}

_CRITICAL_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image says of itself; width and height in pixels as stored, turn_deg clockwise (0, 90, 180, 270)."""

    kind: ImageKind
    width: int
    height: int
    turn_deg: int = 0


def read_header(data: bytes) -> ImageHeader:
    """Tell an image by its first bytes and read its header.

    Raises NotAnImage for what is neither a plain JPEG nor a still PNG, ImageMalformed for a header that breaks off.
    """
    try:
        if data.startswith(_JPEG):
            return _read_jpeg(data)
        if data.startswith(_PNG):
            return _read_png(data)
    except struct.error as error:
        raise ImageMalformed("an image breaks off in its header") from error
    raise NotAnImage("images are taken as JPEG or PNG")


def for_decoder(data: bytes, kind: ImageKind) -> bytes:
    """Return what a decoder needs of an image: of a PNG only the critical chunks.

    A few kilobytes of compressed text or colour profile may unpack to gigabytes, and no pixel depends on them.
    """
    if kind == "jpeg":
        return data
    return _PNG + b"".join(chunk for name, chunk in _chunks(data) if name in _CRITICAL_CHUNKS)


def _read_jpeg(data: bytes) -> ImageHeader:
    turn_deg = 0
    for marker, at, end in islice(_segments(data), _MAX_SEGMENTS):
        if marker in _OTHER_SOF:
            raise NotAnImage("JPEG is taken as baseline or progressive only")
        if marker in _SOF:
            bits, height, width = struct.unpack_from(">BHH", data, at)
            if bits != 8:
                raise NotAnImage("JPEG is taken with 8 bits only")
            return ImageHeader("jpeg", width, height, turn_deg)
        if marker == _APP1 and data[at : at + 6] == b"Exif\0\0":
            turn_deg = _exif_turn_deg(data[at + 6 : end])
    raise ImageMalformed("an image holds no picture")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the payload of each segment before the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in (_SOS, _EOI):
            return
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            yield marker, at + 4, at + 2 + length
            at += 2 + max(length, 2)


def _exif_turn_deg(tiff: bytes) -> int:
    """Return the turn that the first directory of an Exif block asks for, 0 where it says nothing that makes sense."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, at)
        for index in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, at + 2 + 12 * index)
            if tag == _ORIENTATION_TAG:
                return _TURN_DEG.get(value, 0)
    except struct.error:
        pass
    return 0


def _read_png(data: bytes) -> ImageHeader:
    if data[12:16] != b"IHDR":
        raise ImageMalformed("an image breaks off in its header")
    width, height = struct.unpack_from(">II", data, 16)
    if any(name == b"acTL" for name, _ in _chunks(data)):
        raise NotAnImage("animated PNG is not taken")
    return ImageHeader("png", width, height)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the whole of each chunk. Raises ImageMalformed when there are too many."""
    at = len(_PNG)
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        yield name, data[at:end]
        if name == b"IEND":
            return
        at = end
    raise ImageMalformed("an image has too many parts")
