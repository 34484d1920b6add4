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
    is_key: the codec sent it whole, not as what differs from others.
    """

    time_s: float
    planes: tuple[Plane, Plane, Plane]
    colour: ColourTransform
    rotation_deg: int = 0
    is_key: bool = False

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
            # Rounded, as the chroma of an odd-sized picture is half a pixel larger than half the picture.
            sx, sy = 1 / round(cols / plane.shape[1]), 1 / round(rows / plane.shape[0])
            means[index] = _plane_average(
                plane, (stored.x0 * sx, stored.y0 * sy, stored.x1 * sx, stored.y1 * sy), width, height
            )
        means += self.colour.offset[:, None, None]
        rgb = (means.reshape(3, -1).T @ self.colour.matrix.T).reshape(height, width, 3)
        np.maximum(rgb, 0, out=rgb)
        np.minimum(rgb, 1, out=rgb)
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
    rows = _cell_weights(y0, y1, height, plane.shape[0])
    cols = _cell_weights(x0, x1, width, plane.shape[1])
    top, bottom, left, right = rows[0].first, rows[-1].last, cols[0].first, cols[-1].last
    pixels: Floats = plane[top:bottom, left:right].astype(np.float32)
    strips = np.empty((height, right - left), np.float32)
    for part in rows:
        np.matmul(part.weights, pixels[part.first - top : part.last - top], out=strips[part.cells])
    averages = np.empty((height, width), np.float32)
    for part in cols:
        averages[:, part.cells] = strips[:, part.first - left : part.last - left] @ part.weights.T
    return averages


@dataclass(frozen=True, slots=True)
class _Part:
    """A few neighbouring cells and the pixels [first, last) that they cover; weights (cells, pixels)."""

    cells: slice
    first: int
    last: int
    weights: Floats


# A cell's weights are zero but for its own few pixels; multiplying by a few cells at a time leaves most zeros out.
_PIXELS_PER_PART = 48


@lru_cache(maxsize=256)
def _cell_weights(start: float, stop: float, cells: int, size: int) -> tuple[_Part, ...]:
    """Weights of the pixels in each of `cells` equal parts of [start, stop), on an axis of `size` pixels.

    Each cell's weights sum to 1. What lies beyond the axis is counted as its first or last pixel.
    """
    edges = np.linspace(start, stop, cells + 1)
    pixels = np.arange(int(np.floor(start)), int(np.ceil(stop)))
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(overlap, 0, None) / ((stop - start) / cells)
    inside = np.clip(pixels, 0, size - 1)
    low = int(inside.min())
    folded = np.zeros((cells, int(inside.max()) - low + 1))
    np.add.at(folded.T, inside - low, weights.T)
    step = max(1, round(_PIXELS_PER_PART * cells / len(pixels)))
    return tuple(_part(folded, low, at, min(at + step, cells)) for at in range(0, cells, step))


def _part(folded: NDArray[np.float64], low: int, begin: int, end: int) -> _Part:
    used = np.flatnonzero(folded[begin:end].any(axis=0))
    first, last = int(used[0]), int(used[-1]) + 1
    weights = np.ascontiguousarray(folded[begin:end, first:last], np.float32)
    return _Part(slice(begin, end), low + first, low + last, weights)
