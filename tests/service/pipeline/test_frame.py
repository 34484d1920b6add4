"""Averages over area against a brute-force reference in float64."""

import numpy as np
import pytest
from numpy.typing import NDArray

from service.pipeline.frame import RGB_8BIT, Frame, Plane, frame_from_rgb
from service.pipeline.pixels import colour_transform
from service.pipeline.types import Box

Grid = NDArray[np.float64]


def random_rgb(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def averages(plane: Plane, box: Box, width: int, height: int) -> Grid:
    """Average each cell pixel by pixel; beyond the edge the edge's pixel counts."""
    result = np.zeros((height, width))
    xs, ys = np.linspace(box.x0, box.x1, width + 1), np.linspace(box.y0, box.y1, height + 1)
    for row in range(height):
        for col in range(width):
            total = 0.0
            for y in range(int(np.floor(ys[row])), int(np.ceil(ys[row + 1]))):
                for x in range(int(np.floor(xs[col])), int(np.ceil(xs[col + 1]))):
                    share = (min(ys[row + 1], y + 1) - max(ys[row], y)) * (min(xs[col + 1], x + 1) - max(xs[col], x))
                    pixel = plane[min(max(y, 0), plane.shape[0] - 1), min(max(x, 0), plane.shape[1] - 1)]
                    total += share * float(pixel)
            result[row, col] = total / ((ys[row + 1] - ys[row]) * (xs[col + 1] - xs[col]))
    return result


@pytest.mark.parametrize(
    "box",
    [
        Box(0, 0, 40, 30),
        Box(3.3, 4.7, 31.9, 28.2),
        Box(10.2, 10.1, 13.3, 12.9),
        Box(-8.5, -3.25, 20, 19),
        Box(25, 12, 55.5, 47),
        Box(-9, -9, 60, 60),
        Box(50, 40, 60, 50),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 5), (36, 36)])
def test_equals_the_reference(box: Box, width: int, height: int) -> None:
    rgb = random_rgb(30, 40)
    expected = np.stack([averages(rgb[..., c], box, width, height) for c in range(3)], -1) / 255
    np.testing.assert_allclose(frame_from_rgb(rgb, 0.0).area_average(box, width, height), expected, atol=1e-6)


def test_large_grid_equals_the_reference() -> None:
    rgb = random_rgb(97, 131)
    box = Box(1.5, 2.5, 130.1, 96.4)
    expected = averages(rgb[..., 1], box, 90, 70) / 255
    np.testing.assert_allclose(frame_from_rgb(rgb, 0.0).area_average(box, 90, 70)[..., 1], expected, atol=1e-6)


def test_whole_pixels_come_back_as_they_are() -> None:
    rgb = random_rgb(12, 16)
    got = frame_from_rgb(rgb, 0.0).area_average(Box(0, 0, 16, 12), 16, 12)
    np.testing.assert_allclose(got, rgb / 255, atol=1e-6)


def test_keeps_what_lies_below_one_grey_level() -> None:
    rgb = np.full((64, 64, 3), 100, np.uint8)
    rgb[0, 0] = 101
    got = frame_from_rgb(rgb, 0.0).area_average(Box(0, 0, 64, 64), 1, 1)
    assert got[0, 0, 0] * 255 == pytest.approx(100 + 1 / 4096, abs=5e-5)


@pytest.mark.parametrize(("rotation_deg", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
def test_rotation_equals_turning_the_picture_first(rotation_deg: int, turns: int) -> None:
    rgb = random_rgb(30, 40)
    upright = np.ascontiguousarray(np.rot90(rgb, turns))
    planes = (rgb[..., 0], rgb[..., 1], rgb[..., 2])
    frame = Frame(0.0, planes, RGB_8BIT, rotation_deg)
    box = Box(4.2, 3.1, 27.3, 25.6)
    assert (frame.height, frame.width) == upright.shape[:2]
    np.testing.assert_allclose(
        frame.area_average(box, 7, 5), frame_from_rgb(upright, 0.0).area_average(box, 7, 5), atol=1e-6
    )


def test_result_is_float32_height_width_rgb() -> None:
    got = frame_from_rgb(random_rgb(30, 40), 0.0).area_average(Box(0, 0, 40, 30), 8, 6)
    assert got.shape == (6, 8, 3)
    assert got.dtype == np.float32


def test_converting_after_averaging_equals_converting_first() -> None:
    rng = np.random.default_rng(3)
    luma = rng.integers(60, 200, (24, 32), dtype=np.uint8)
    cb, cr = (rng.integers(110, 146, (12, 16), dtype=np.uint8) for _ in range(2))
    colour = colour_transform(1, 8, full_range=False)
    full = np.stack([luma, cb.repeat(2, 0).repeat(2, 1), cr.repeat(2, 0).repeat(2, 1)]).astype(np.float64)
    rgb = np.einsum("ij,jyx->yxi", colour.matrix.astype(float), full + colour.offset[:, None, None])
    expected = rgb.reshape(4, 6, 4, 8, 3).mean(axis=(1, 3))
    got = Frame(0.0, (luma, cb, cr), colour).area_average(Box(0, 0, 32, 24), 4, 4)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_chroma_of_an_odd_sized_picture_stays_in_place() -> None:
    luma = np.full((5, 9), 128, np.uint8)
    cb = np.array([[100, 110, 120, 130, 140]] * 3, np.uint8)
    frame = Frame(0.0, (luma, cb, cb), colour_transform(1, 8, full_range=True))
    pixel = frame.area_average(Box(6, 0, 8, 4), 1, 1)
    alone = Frame(0.0, (luma[:, :2], cb[:, 3:4], cb[:, 3:4]), frame.colour).area_average(Box(0, 0, 2, 4), 1, 1)
    np.testing.assert_allclose(pixel, alone, atol=1e-6)


@pytest.mark.parametrize("matrix_code", [1, 5, 6, 9])
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full_range", [False, True])
def test_white_is_white_and_black_is_black(matrix_code: int, bits: int, full_range: bool) -> None:
    colour = colour_transform(matrix_code, bits, full_range=full_range)
    step = 2 ** (bits - 8)
    neutral = 128 * step
    black, white = (0, 2**bits - 1) if full_range else (16 * step, 235 * step)
    codes = np.array([[black, neutral, neutral], [white, neutral, neutral]], np.float32)
    np.testing.assert_allclose((codes + colour.offset) @ colour.matrix.T, [[0] * 3, [1] * 3], atol=2e-6)


@pytest.mark.parametrize(
    ("matrix_code", "rgb", "expected"),
    [(6, (1, 0, 0), (81, 90, 240)), (1, (1, 0, 0), (63, 102, 240)), (1, (0, 0, 1), (32, 240, 118))],
)
def test_primaries_have_their_published_codes(
    matrix_code: int, rgb: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    colour = colour_transform(matrix_code, 8, full_range=False)
    codes = np.linalg.solve(colour.matrix, np.array(rgb)) - colour.offset
    np.testing.assert_allclose(codes, expected, atol=0.6)
