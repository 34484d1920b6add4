from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from service.pipeline.frame import ColourTransform, Frame, frame_from_rgb
from service.pipeline.pooling import Picture
from service.pipeline.types import Box
from tests.service.pipeline.faces import noise

RGB = noise(3, height=90, width=70)
WHOLE = Box(0, 0, 70, 90)


def colour(matrix: NDArray[np.float64], offset: list[int]) -> ColourTransform:
    return ColourTransform(matrix.astype(np.float32), np.array(offset, np.float32))


@pytest.mark.parametrize(("height", "width"), [(24, 24), (13, 31), (90, 70), (1, 1)])
def test_cells_are_those_of_adaptive_average_pooling(height: int, width: int) -> None:
    grid = Picture(frame_from_rgb(RGB, 0.0), WHOLE, step=1).grid(np.array([[0, 0, 70, 90]]), height, width)
    pixels = torch.from_numpy(RGB.transpose(2, 0, 1)[None] / 255.0)
    expected = torch.nn.functional.adaptive_avg_pool2d(pixels, (height, width))
    np.testing.assert_allclose(grid, expected.numpy(), atol=1e-6)


def test_boxes_come_in_a_batch() -> None:
    picture = Picture(frame_from_rgb(RGB, 0.0), WHOLE, step=1)
    boxes = np.array([[3, 5, 40, 60], [10, 0, 70, 33]])
    both = picture.grid(boxes, 12, 12)
    for index in range(2):
        np.testing.assert_array_equal(both[index], picture.grid(boxes[index : index + 1], 12, 12)[0])


def test_a_part_gives_what_the_whole_gives() -> None:
    frame, cells = frame_from_rgb(RGB, 0.0), np.array([[20, 30, 50, 60]])
    part = Picture(frame, Box(15.5, 22.2, 55, 66), step=1)
    np.testing.assert_array_equal(part.grid(cells, 8, 8), Picture(frame, WHOLE, step=1).grid(cells, 8, 8))


def test_cells_smaller_than_a_pixel_repeat_it() -> None:
    grid = Picture(frame_from_rgb(RGB, 0.0), WHOLE, step=1).grid(np.array([[4, 6, 5, 7]]), 3, 3)
    np.testing.assert_allclose(grid, np.broadcast_to(RGB[6, 4][None, :, None, None] / 255, (1, 3, 3, 3)), atol=1e-6)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_rotated_frames_are_read_upright(rotation_deg: int) -> None:
    stored = np.ascontiguousarray(np.rot90(RGB, rotation_deg // 90))
    frame, cells = replace(frame_from_rgb(stored, 0.0), rotation_deg=rotation_deg), np.array([[5, 10, 60, 80]])
    expected = Picture(frame_from_rgb(RGB, 0.0), WHOLE, step=1).grid(cells, 10, 10)
    np.testing.assert_array_equal(Picture(frame, WHOLE, step=1).grid(cells, 10, 10), expected)


def test_steps_leave_the_mean_of_a_smooth_picture() -> None:
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None], (64, 64, 3))
    grid = Picture(frame_from_rgb(ramp, 0.0), Box(0, 0, 64, 64), step=3).grid(np.array([[0, 0, 64, 64]]), 4, 4)
    np.testing.assert_allclose(grid[0, 0, 0] * 255, [8, 24, 40, 56], atol=2)


def test_sums_that_wrap_around_leave_the_means_right() -> None:
    plane = np.full((600, 600), 65535, np.uint16)
    frame = Frame(0.0, (plane, plane, plane), colour(np.eye(3) / 65535, [0, 0, 0]))
    grid = Picture(frame, Box(0, 0, 600, 600), step=1).grid(np.array([[0, 0, 600, 600]]), 12, 12)
    np.testing.assert_allclose(grid, 1.0, atol=1e-6)


def test_colour_is_turned_into_rgb_and_clipped() -> None:
    luma, chroma = np.full((8, 8), 200, np.uint8), np.full((4, 4), 128, np.uint8)
    matrix = np.array([[1, 0, 1.402], [1, -0.344, -0.714], [1, 1.772, 0]]) / 100
    frame, cells = Frame(0.0, (luma, chroma, chroma), colour(matrix, [-150, -128, -128])), np.array([[0, 0, 8, 8]])
    np.testing.assert_allclose(Picture(frame, Box(0, 0, 8, 8), step=1).grid(cells, 2, 2), 0.5, atol=1e-6)
    bright = replace(frame, colour=colour(matrix, [0, -128, -128]))
    np.testing.assert_array_equal(Picture(bright, Box(0, 0, 8, 8), step=1).grid(cells, 2, 2), 1.0)
