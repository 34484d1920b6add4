"""A decoded picture and the only way to read pixels from it: averages over area, in float.

The pulse is 0.2 to 2 % of a skin pixel's value, below one grey level once a cell of a crop is averaged over,
so nothing here rounds to 8 bits. Colour conversion is linear and averaging is too: averaging the Y, Cb and Cr
planes first and converting the few averages afterwards gives the same numbers for a fraction of the work.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.pipeline.types import Box, Floats

Plane = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class ColourTransform:
    """RGB = matrix @ (planes + offset); matrix (3, 3) and offset (3,) in plane units, RGB in 0..1."""

    matrix: Floats
    offset: Floats


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture at time_s.

    planes: three 2-D arrays as stored (Y, Cb, Cr or R, G, B), each with its own subsampling.
    rotation_deg: clockwise turn (0, 90, 180, 270) that makes the stored picture upright.
    """

    time_s: float
    planes: tuple[Plane, Plane, Plane]
    colour: ColourTransform
    rotation_deg: int = 0

    @property
    def width(self) -> int:
        """Width of the upright picture in pixels."""
        return int(self.planes[0].shape[0 if self.rotation_deg in (90, 270) else 1])

    @property
    def height(self) -> int:
        """Height of the upright picture in pixels."""
        return int(self.planes[0].shape[1 if self.rotation_deg in (90, 270) else 0])

    def area_average(self, box: Box, width: int, height: int) -> Floats:
        """Return the mean RGB of each cell of a height x width grid over `box`.

        Result: float32 (height, width, 3), RGB in 0..1. A box that reaches beyond the picture sees its edge repeated.
        """
        if self.rotation_deg in (90, 270):
            width, height = height, width
        stored = _stored_box(box, self.rotation_deg, self.width, self.height)
        rows, cols = self.planes[0].shape
        means = np.empty((3, height, width), np.float32)
        for index, plane in enumerate(self.planes):
            sx, sy = plane.shape[1] / cols, plane.shape[0] / rows
            means[index] = _plane_average(
                plane, (stored.x0 * sx, stored.y0 * sy, stored.x1 * sx, stored.y1 * sy), width, height
            )
        means += self.colour.offset[:, None, None]
        rgb = np.tensordot(means, self.colour.matrix, axes=(0, 1)).astype(np.float32, copy=False)
        np.clip(rgb, 0.0, 1.0, out=rgb)
        return np.rot90(rgb, -self.rotation_deg // 90) if self.rotation_deg else rgb


RGB_8BIT = ColourTransform(np.eye(3, dtype=np.float32) / np.float32(255), np.zeros(3, np.float32))


def frame_from_rgb(rgb: NDArray[np.uint8], time_s: float) -> Frame:
    """Wrap an RGB24 picture, uint8 (height, width, 3)."""
    return Frame(time_s, (rgb[..., 0], rgb[..., 1], rgb[..., 2]), RGB_8BIT)


def _stored_box(box: Box, rotation_deg: int, width: int, height: int) -> Box:
    """Turn a box of the upright picture (width x height) back into the stored one."""
    if rotation_deg == 90:
        return Box(box.y0, width - box.x1, box.y1, width - box.x0)
    if rotation_deg == 180:
        return Box(width - box.x1, height - box.y1, width - box.x0, height - box.y0)
    if rotation_deg == 270:
        return Box(height - box.y1, box.x0, height - box.y0, box.x1)
    return box


def _plane_average(plane: Plane, xyxy: tuple[float, float, float, float], width: int, height: int) -> Floats:
    x0, y0, x1, y1 = xyxy
    top, row_weights = _cell_weights(y0, y1, height, plane.shape[0])
    left, col_weights = _cell_weights(x0, x1, width, plane.shape[1])
    pixels: Floats = plane[top : top + row_weights.shape[1], left : left + col_weights.shape[1]].astype(np.float32)
    averages: Floats = row_weights @ pixels @ col_weights.T
    return averages


@lru_cache(maxsize=256)
def _cell_weights(start: float, stop: float, cells: int, size: int) -> tuple[int, Floats]:
    """Weights of the pixels in each of `cells` equal parts of [start, stop), on an axis of `size` pixels.

    Returns the first pixel that counts and float32 (cells, pixels) whose rows sum to 1. What lies beyond the axis is
    counted as its first or last pixel.
    """
    edges = np.linspace(start, stop, cells + 1)
    first, last = int(np.floor(start)), int(np.ceil(stop))
    pixels = np.arange(first, last)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(overlap, 0, None) / ((stop - start) / cells)
    inside = np.clip(pixels, 0, size - 1)
    low, high = int(inside.min()), int(inside.max())
    folded = np.zeros((cells, high - low + 1))
    np.add.at(folded.T, inside - low, weights.T)
    return low, folded.astype(np.float32)
