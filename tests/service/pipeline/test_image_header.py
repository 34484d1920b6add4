import struct
import zlib

import pytest

from service.pipeline.errors import ImageMalformed, NotAnImage
from service.pipeline.image_header import ImageHeader, for_decoder, read_header
from tests.service.pipeline.media import gradient
from tests.service.pipeline.pictures import (
    PNG_SIGNATURE,
    chunk,
    jpeg,
    jpeg_that_says,
    png,
    png_that_says,
    with_chunk,
    with_orientation,
)

PICTURE = gradient(0, 80, 64)


def test_kind_and_size_are_read() -> None:
    assert read_header(jpeg(PICTURE)) == ImageHeader("jpeg", 80, 64)
    assert read_header(png(PICTURE)) == ImageHeader("png", 80, 64)


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (2**31 - 1, 1), (0, 0)])
def test_a_size_is_told_whatever_it_is(width: int, height: int) -> None:
    assert read_header(png_that_says(width, height)) == ImageHeader("png", width, height)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"GIF89a" + bytes(100), b"RIFF\0\0\0\0WEBPVP8X" + bytes(30), b"<svg>", b"BM" + bytes(60), b"\xff\xd8",
     b"\0\0\0\x0cjP  \r\n\x87\n"],
    ids=["nothing", "a byte", "GIF", "WebP", "SVG", "BMP", "two bytes of JPEG", "JPEG 2000"],
)  # fmt: skip
def test_what_is_neither_jpeg_nor_png(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        read_header(data)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCF, 0xF7])
def test_odd_kinds_of_jpeg_are_not_taken(marker: int) -> None:
    with pytest.raises(NotAnImage):
        read_header(jpeg_that_says(100, 100, marker=marker))


def test_twelve_bits_are_not_taken() -> None:
    with pytest.raises(NotAnImage):
        read_header(jpeg_that_says(100, 100, bits=12))


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2])
def test_baseline_and_progressive_are(marker: int) -> None:
    assert read_header(jpeg_that_says(300, 200, marker=marker)) == ImageHeader("jpeg", 300, 200)


def test_fill_bytes_and_lone_markers_are_passed_over() -> None:
    data = jpeg_that_says(300, 200)
    assert read_header(data[:2] + b"\xff\xff\xff\x01" + data[2:]) == ImageHeader("jpeg", 300, 200)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xe0" + b"a" * 1000,
        b"\xff\xd8\xff\xd9" + bytes(10),
        b"\xff\xd8\xff\xda" + bytes(10),
        b"\xff\xd8" + b"\xff\xfe\0\2" * 5000 + b"\xff\xd9",
        jpeg_that_says(9, 9)[:12],
        PNG_SIGNATURE,
        png(PICTURE)[:20],
        PNG_SIGNATURE + chunk(b"IDAT", bytes(20)),
        PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"tEXt", b"") * 30_000,
    ],
    ids=["cut", "garbage", "end", "scan", "many segments", "cut in its frame header", "a signature", "cut in IHDR",
         "no IHDR", "many chunks"],
)  # fmt: skip
def test_headers_that_make_no_sense(data: bytes) -> None:
    with pytest.raises(ImageMalformed):
        read_header(data)


def test_animated_png_is_not_taken() -> None:
    with pytest.raises(NotAnImage, match="animated"):
        read_header(with_chunk(png(PICTURE), chunk(b"acTL", struct.pack(">II", 2, 0))))


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize(("orientation", "turn_deg"), [(1, 0), (2, 0), (3, 180), (6, 90), (8, 270), (77, 0)])
def test_exif_orientation(order: str, orientation: int, turn_deg: int) -> None:
    assert read_header(with_orientation(jpeg(PICTURE), orientation, order)).turn_deg == turn_deg


@pytest.mark.parametrize(
    "block", [b"", b"XX*\0", b"MM\0*", b"MM\0*\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(30)]
)
def test_an_exif_block_that_makes_no_sense_turns_nothing(block: bytes) -> None:
    payload = b"Exif\0\0" + block
    data = jpeg(PICTURE)
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + data[2:]
    assert read_header(data) == ImageHeader("jpeg", 80, 64)


def test_a_decoder_gets_no_text_and_no_profile() -> None:
    plain = png(PICTURE)
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000)))
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1_000_000)))
    cleaned = for_decoder(with_chunk(plain, bomb + profile), "png")
    assert b"zTXt" not in cleaned
    assert b"iCCP" not in cleaned
    assert len(cleaned) <= len(plain)
    assert for_decoder(jpeg(PICTURE), "jpeg") == jpeg(PICTURE)
