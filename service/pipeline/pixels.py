"""A decoded AVFrame as a Frame: views on its planes and the linear map from them to RGB.

Nothing is copied and nothing is converted for the usual formats: planar YUV and RGB of 8 to 16 bits, NV12, packed
4:2:2 and packed RGB. Each view holds on to the AVFrame, so a Frame stays valid for as long as it is kept. What is left
(palettes, bit-packed formats) goes through swscale to RGB24 first.
"""

import re
from functools import lru_cache

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import PictureType
from av.video.plane import VideoPlane

from service.pipeline.errors import NoColour
from service.pipeline.frame import RGB_8BIT, ColourTransform, Frame, Plane
from service.pipeline.types import Box

Planes = tuple[Plane, Plane, Plane]

# Code points of ITU-T H.273: matrix coefficients, transfer characteristics, and FFmpeg's AVColorRange.
_KR_KB = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
} | dict.fromkeys((9, 10), (0.2627, 0.0593))
_BT709, _BT601 = 1, 6
_PQ, _HLG = 16, 18
_FULL_RANGE = 2
_DARK = 0.1
_GREY = 1 / 255
_LOOK_EVERY_S = 1.0
_HD_SHORT_SIDE = 720  # without a tag, pictures from this size on are BT.709 by convention

# Bytes per pixel (or per pair of pixels) and the offsets of the three components in a packed row.
_PACKED_RGB = {
    "rgb24": (3, (0, 1, 2)),
    "bgr24": (3, (2, 1, 0)),
    "rgba": (4, (0, 1, 2)),
    "rgb0": (4, (0, 1, 2)),
    "bgra": (4, (2, 1, 0)),
    "bgr0": (4, (2, 1, 0)),
    "argb": (4, (1, 2, 3)),
    "0rgb": (4, (1, 2, 3)),
    "abgr": (4, (3, 2, 1)),
    "0bgr": (4, (3, 2, 1)),
}
_PACKED_422 = {"yuyv422": (0, 1, 3), "yvyu422": (0, 3, 1), "uyvy422": (1, 0, 2)}
# Plain integers, in this machine's byte order above 8 bits; not floats, nor values in a word's upper bits ("msb").
_PLANAR = re.compile(r"(yuvj?a?4\d\dp|gbra?p)(\d+le)?")
_SEMIPLANAR = {"nv12": (0, 1), "nv21": (1, 0), "nv16": (0, 1), "nv24": (0, 1), "nv42": (1, 0)}


def to_frame(picture: av.VideoFrame, time_s: float, rotation_deg: int) -> Frame:
    """Wrap a decoded picture without copying it; rotation_deg as in Frame. Raises NoColour for grey formats."""
    name = picture.format.name
    if name.startswith(("gray", "ya", "mono")):
        raise NoColour("the video is grey; a pulse needs colour")
    is_key = picture.key_frame or picture.pict_type == PictureType.I
    planes = _planes(picture, name)
    if planes is None:
        matrix, full = _matrix_code(picture), _is_full_range(picture)
        picture = picture.reformat(
            format="rgb24", src_colorspace=matrix, src_color_range=2 if full else 1, dst_color_range=2
        )
        planes, name = _packed(picture, *_PACKED_RGB["rgb24"]), "rgb24"
    return Frame(time_s, planes, _colour(picture, name), rotation_deg, is_key)


def is_hdr(picture: av.VideoFrame) -> bool:
    """Say whether the picture's transfer function is PQ or HLG, whose values are no gamma-coded light."""
    return int(picture.color_trc) in (_PQ, _HLG)


def is_grey(frame: Frame) -> bool | None:
    """Say whether a picture has no colour anywhere, or None where it is too dark to say.

    A grey H.264 stream decodes to a colour format with neutral chroma, so the format alone does not tell.
    """
    rgb = frame.area_average(Box(0, 0, frame.width, frame.height), 16, 16)
    if rgb.max() < _DARK:
        return None
    return bool(np.ptp(rgb, axis=2).max() < _GREY)


class GreyWatch:
    """Looks at a picture once a second: a recording without colour at any of these looks is grey."""

    def __init__(self) -> None:
        self._next_look_s = 0.0
        self._grey = self._coloured = False

    def look(self, frame: Frame) -> None:
        """Take the next frame."""
        if frame.time_s >= self._next_look_s:
            self._next_look_s = frame.time_s + _LOOK_EVERY_S
            grey = is_grey(frame)
            self._grey |= grey is True
            self._coloured |= grey is False

    def check(self) -> None:
        """Raise NoColour when nothing had colour."""
        if self._grey and not self._coloured:
            raise NoColour("the video is grey; a pulse needs colour")


def rotation_of(picture: av.VideoFrame) -> int:
    """Return the clockwise turn (0, 90, 180, 270) that makes the picture upright, from its display matrix.

    FFmpeg gives the counter-clockwise angle by which the picture is turned before it is shown.
    """
    return -round(picture.rotation / 90) * 90 % 360


def _planes(picture: av.VideoFrame, name: str) -> Planes | None:
    """Return views on the three components in the order of the colour matrix, or None for swscale to help."""
    if any(plane.line_size <= 0 for plane in picture.planes):  # stored bottom-up
        return None
    if name in _PACKED_RGB:
        return _packed(picture, *_PACKED_RGB[name])
    if name in _SEMIPLANAR:
        first, second = _SEMIPLANAR[name]
        luma, chroma = picture.planes
        pairs = _view(chroma, chroma.width * 2)
        return _view(luma, luma.width), pairs[:, first::2], pairs[:, second::2]
    if name in _PACKED_422:
        row = _view(picture.planes[0], (picture.width + 1) // 2 * 4)
        y, cb, cr = _PACKED_422[name]
        return row[:, y::2][:, : picture.width], row[:, cb::4], row[:, cr::4]
    return _planar(picture, name)


def _planar(picture: av.VideoFrame, name: str) -> Planes | None:
    if not _PLANAR.fullmatch(name):
        return None
    views = [_view(plane, plane.width, wide=_bits(name) > 8) for plane in picture.planes[:3]]
    if name.startswith("gbr"):
        return views[2], views[0], views[1]
    return views[0], views[1], views[2]


def _packed(picture: av.VideoFrame, step: int, offsets: tuple[int, int, int]) -> Planes:
    row = _view(picture.planes[0], picture.width * step)
    return row[:, offsets[0] :: step], row[:, offsets[1] :: step], row[:, offsets[2] :: step]


def _view(plane: VideoPlane, width: int, *, wide: bool = False) -> Plane:
    """Return (height, width) of a plane's buffer, uint8 or (wide) uint16; rows are line_size bytes apart."""
    buffer: Plane = np.frombuffer(plane, np.uint16 if wide else np.uint8)  # type: ignore[call-overload]
    buffer.flags.writeable = False
    return buffer.reshape(plane.height, -1)[:, :width]


@lru_cache(maxsize=64)
def _bits(name: str) -> int:
    return max(component.bits for component in VideoFormat(name).components[:3])


def _is_full_range(picture: av.VideoFrame) -> bool:
    return int(picture.color_range) == _FULL_RANGE or picture.format.name.startswith("yuvj")


def _matrix_code(picture: av.VideoFrame) -> int:
    code = int(picture.colorspace)
    if code in _KR_KB:
        return code
    return _BT601 if min(picture.width, picture.height) < _HD_SHORT_SIDE else _BT709


def _colour(picture: av.VideoFrame, name: str) -> ColourTransform:
    if name in _PACKED_RGB:
        return RGB_8BIT
    bits = 8 if name in _SEMIPLANAR or name in _PACKED_422 else _bits(name)
    if name.startswith("gbr"):
        return _rgb(bits)
    return colour_transform(_matrix_code(picture), bits, full_range=_is_full_range(picture))


@lru_cache(maxsize=16)
def _rgb(bits: int) -> ColourTransform:
    return ColourTransform(np.eye(3, dtype=np.float32) / np.float32(2**bits - 1), np.zeros(3, np.float32))


@lru_cache(maxsize=64)
def colour_transform(matrix_code: int, bits: int, *, full_range: bool) -> ColourTransform:
    """Return the map from Y'CbCr code values of `bits` bits to R'G'B' in 0..1.

    Matrix coefficients by their H.273 code point (1 BT.709, 5 and 6 BT.601, 9 BT.2020); quantisation of BT.709-6
    section 4 for limited range, of JFIF (C = 0 at 2^(bits-1)) for full range.
    """
    kr, kb = _KR_KB[matrix_code]
    kg = 1 - kr - kb
    to_rgb = np.array(
        [
            [1, 0, 2 * (1 - kr)],
            [1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg],
            [1, 2 * (1 - kb), 0],
        ]
    )
    step = 2.0 ** (bits - 8)
    top = 2.0**bits - 1
    scale = [top, top, top] if full_range else [219 * step, 224 * step, 224 * step]
    offset = [0.0 if full_range else -16 * step, -128 * step, -128 * step]
    return ColourTransform((to_rgb / scale).astype(np.float32), np.array(offset, np.float32))
