"""The same colour comes out of every pixel format, whether it is read as it lies or goes through swscale."""

import av
import numpy as np
import pytest

from service.pipeline.errors import NoColour
from service.pipeline.pixels import to_frame
from service.pipeline.types import Box

SIDE = 64
RGB = (200, 120, 60)
READ_AS_THEY_LIE = [
    "yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuv440p", "yuvj420p", "yuva420p", "yuv420p10le",
    "yuva444p16le", "gbrp", "gbrap", "gbrp10le", "gbrp16le", "nv12", "nv21", "nv16", "nv24", "yuyv422", "uyvy422",
    "rgb24", "bgr24", "rgba", "bgra", "argb", "abgr",
]  # fmt: skip
CONVERTED_FIRST = [
    "gbrpf32le", "gbrapf32le", "yuv444p10msble", "yuv444p12msble", "gbrp10msble", "yuv444p16be", "p010le", "rgb48le",
    "bgr565le", "vuyx",
]  # fmt: skip


def picture(pixel_format: str) -> av.VideoFrame:
    rgb = np.broadcast_to(np.array(RGB, np.uint8), (SIDE, SIDE, 3))
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=pixel_format)


@pytest.mark.parametrize("pixel_format", READ_AS_THEY_LIE + CONVERTED_FIRST)
def test_every_format_gives_the_colour_that_went_in(pixel_format: str) -> None:
    frame = to_frame(picture(pixel_format), 0.0, 0)
    mean = frame.area_average(Box(0, 0, SIDE, SIDE), 1, 1).ravel()
    assert mean == pytest.approx(np.array(RGB) / 255, abs=0.02)


@pytest.mark.parametrize("pixel_format", READ_AS_THEY_LIE)
def test_usual_formats_are_not_copied(pixel_format: str) -> None:
    frame = to_frame(picture(pixel_format), 0.0, 0)
    assert not any(plane.flags.owndata or plane.flags.writeable for plane in frame.planes)


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "grayf32le", "ya8", "ya16le", "monob"])
def test_grey_formats_have_no_colour(pixel_format: str) -> None:
    with pytest.raises(NoColour):
        to_frame(av.VideoFrame(SIDE, SIDE, pixel_format), 0.0, 0)
