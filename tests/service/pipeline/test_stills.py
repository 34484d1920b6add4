import struct

import numpy as np
import pytest

from service.pipeline.errors import ImageMalformed, NoColour, NotAnImage, ResolutionChanged, ResolutionOutOfRange
from service.pipeline.frame import Frame
from service.pipeline.stills import StillDecoder
from service.pipeline.types import Box, DecodeLimits, Floats
from tests.service.pipeline.media import Rgb, flat, gradient
from tests.service.pipeline.pictures import (
    chunk,
    jpeg,
    jpeg_that_says,
    png,
    png_that_says,
    with_chunk,
    with_orientation,
)

PICTURE = gradient(0, 128, 96)


def decoded(data: bytes) -> Frame:
    return StillDecoder(DecodeLimits()).decode(data, 1.5)


def means(frame: Frame) -> Floats:
    return frame.area_average(Box(0, 0, frame.width, frame.height), 4, 4)


def true_means(rgb: Rgb) -> Floats:
    blocks: Floats = (rgb / 255).reshape(4, rgb.shape[0] // 4, 4, rgb.shape[1] // 4, 3).mean(axis=(1, 3))
    return blocks


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_the_colours_of_a_jpeg_are_right(pix_fmt: str) -> None:
    np.testing.assert_allclose(means(decoded(jpeg(PICTURE, pix_fmt))), true_means(PICTURE), atol=2 / 255)


@pytest.mark.parametrize("pix_fmt", ["rgb24", "rgba", "rgb48be"])
def test_the_colours_of_a_png_are_right(pix_fmt: str) -> None:
    np.testing.assert_allclose(means(decoded(png(PICTURE, pix_fmt))), true_means(PICTURE), atol=0.1 / 255)


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (8, 4, 2)])
def test_the_whole_range_is_used(colour: tuple[int, int, int]) -> None:
    rgb = flat(*colour)(0, 64, 64)
    np.testing.assert_allclose(means(decoded(jpeg(rgb)))[0, 0] * 255, colour, atol=1.5)


def test_the_time_is_the_callers() -> None:
    assert decoded(jpeg(PICTURE)).time_s == 1.5


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_a_turned_picture_is_made_upright(orientation: int, turns: int) -> None:
    frame = decoded(with_orientation(jpeg(PICTURE), orientation))
    upright = np.rot90(PICTURE, turns)
    assert (frame.height, frame.width) == upright.shape[:2]
    np.testing.assert_allclose(means(frame), true_means(upright), atol=2 / 255)


@pytest.mark.parametrize(
    "data",
    [png_that_says(100_000, 100_000), png_that_says(20_000, 20_000), png_that_says(3841, 100), png_that_says(100, 63),
     png_that_says(2, 2), png_that_says(0, 0), jpeg_that_says(65_535, 65_535), jpeg_that_says(100, 0)],
    ids=["100k", "20k", "too wide", "too low", "2x2", "nothing", "huge JPEG", "height by DNL"],
)  # fmt: skip
def test_sizes_are_refused_by_the_header_alone(data: bytes) -> None:
    with pytest.raises(ResolutionOutOfRange):
        decoded(data)


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(range(200)) + data[middle + 200 :]


@pytest.mark.parametrize(
    "data",
    [jpeg(PICTURE)[:-300], jpeg(PICTURE)[:400], png(PICTURE)[:-300], damaged(png(PICTURE)), png_that_says(200, 200),
     jpeg_that_says(200, 200)],
    ids=["cut JPEG", "JPEG without a scan", "cut PNG", "damaged PNG", "PNG without its picture", "JPEG header only"],
)  # fmt: skip
def test_what_does_not_decode_is_told_so(data: bytes) -> None:
    with pytest.raises(ImageMalformed):
        decoded(data)


def test_a_second_header_of_another_size_is_found_out() -> None:
    small, large = jpeg(PICTURE), jpeg(gradient(0, 256, 96))
    at = small.index(b"\xff\xc0")
    fake = small[at : at + 2 + struct.unpack_from(">H", small, at + 2)[0]]
    with pytest.raises(ImageMalformed):
        decoded(large[:2] + fake + large[2:])


def test_tables_of_one_image_do_not_serve_another() -> None:
    whole = jpeg(PICTURE)
    at = whole.index(b"\xff\xdb")
    without_tables = whole[:at] + whole[at + 2 + struct.unpack_from(">H", whole, at + 2)[0] :]
    stills = StillDecoder(DecodeLimits())
    stills.decode(whole, 0.0)
    after_whole = means(stills.decode(without_tables, 0.1))
    np.testing.assert_array_equal(after_whole, means(decoded(without_tables)))
    assert np.abs(after_whole - means(decoded(whole))).max() > 0.05


@pytest.mark.parametrize("data", [png(PICTURE, "gray"), png(PICTURE, "gray16be"), png(PICTURE, "ya8")])
def test_grey_formats_have_no_colour(data: bytes) -> None:
    with pytest.raises(NoColour):
        decoded(data)


def test_all_must_be_of_one_kind_and_size() -> None:
    stills = StillDecoder(DecodeLimits())
    stills.decode(jpeg(PICTURE), 0.0)
    with pytest.raises(NotAnImage):
        stills.decode(png(PICTURE), 0.1)
    for other in (jpeg(gradient(0, 96, 128)), with_orientation(jpeg(PICTURE), 6)):
        with pytest.raises(ResolutionChanged):
            stills.decode(other, 0.2)
    stills.decode(jpeg(PICTURE), 0.3)


def test_a_picture_after_the_first_in_one_file_is_not_seen() -> None:
    np.testing.assert_array_equal(
        means(decoded(jpeg(PICTURE) + jpeg(flat(1, 2, 3)(0, 128, 96)))), means(decoded(jpeg(PICTURE)))
    )


def test_text_beside_a_png_changes_nothing() -> None:
    with_text = with_chunk(png(PICTURE), chunk(b"tEXt", b"Comment\0" + bytes(100)))
    np.testing.assert_array_equal(means(decoded(with_text)), means(decoded(png(PICTURE))))
