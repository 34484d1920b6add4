"""Averages over many small cells of one frame, as the face detector's nets want them.

The reference detector reduces pictures by adaptive average pooling, whose cells are whole pixels and overlap; its
choice among near-equal boxes hangs on that. Frame.area_average, exact and cheaper for one crop, is what the pulse is
read by.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.pipeline.frame import Frame, Plane
from service.pipeline.types import Box, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Summed:
    """Planes of one size, or part of them, summed up so that an average over any cell costs four look-ups.

    sums: uint32 (planes, H + 1, W + 1), over all pixels above and to the left of a corner. They wrap around, which
    leaves the difference of two of them right. x0, y0: where they begin; scale_x, scale_y: their pixels per pixel of
    the frame.
    """

    sums: NDArray[np.uint32]
    x0: int
    y0: int
    scale_x: float
    scale_y: float

    @classmethod
    def of(cls, planes: list[Plane], frame: Frame, box: Box) -> "_Summed":
        """Sum up what upright planes show of `box`."""
        height, width = planes[0].shape
        scale_x, scale_y = width / frame.width, height / frame.height
        x0, x1 = _within(box.x0 * scale_x, box.x1 * scale_x, width)
        y0, y1 = _within(box.y0 * scale_y, box.y1 * scale_y, height)
        sums = np.zeros((len(planes), y1 - y0 + 1, x1 - x0 + 1), np.uint32)
        for plane, out in zip(planes, sums[:, 1:, 1:], strict=True):
            np.cumsum(plane[y0:y1, x0:x1], axis=1, dtype=np.uint32, out=out)
            np.cumsum(out, axis=0, out=out)
        return cls(sums, x0, y0, scale_x, scale_y)

    def means(self, rows: "_Cells", cols: "_Cells") -> Floats:
        """Return the mean of each cell, float32 (planes, N, rows, cols)."""
        count, height, width = self.sums.shape
        top, bottom = (edge[:, :, None] for edge in rows.on_axis(self.scale_y, self.y0, height - 1))
        left, right = (edge[:, None, :] for edge in cols.on_axis(self.scale_x, self.x0, width - 1))
        flat = self.sums.reshape(count, -1)
        total = flat.take(bottom * width + right, axis=1)
        total -= flat.take(top * width + right, axis=1)
        total -= flat.take(bottom * width + left, axis=1)
        total += flat.take(top * width + left, axis=1)
        means: Floats = total.astype(np.float32) / ((bottom - top) * (right - left)).astype(np.float32)
        return means


def _within(start: float, stop: float, size: int) -> tuple[int, int]:
    """The pixels of an axis that [start, stop) touches, at least one."""
    first = min(max(0, math.floor(start)), size - 1)
    return first, max(min(size, math.ceil(stop)), first + 1)


@dataclass(frozen=True)
class _Cells:
    """Each of N stretches of an axis in `count` cells of whole pixels, as adaptive average pooling cuts them.

    Where the pixels do not divide evenly neighbours share one. The reference does it so, and the cascade's choice among
    near-equal boxes hangs on it: exact averages over area move the final box by up to 15 pixels.
    """

    first: Ints
    after: Ints

    @classmethod
    def cut(cls, start: Ints, stop: Ints, count: int) -> "_Cells":
        """Cut [start, stop), each (N,) in pixels of the frame."""
        steps, length = np.arange(count), (stop - start)[:, None]
        return cls(start[:, None] + steps * length // count, start[:, None] - (-(steps + 1) * length // count))

    def on_axis(self, scale: float, origin: int, size: int) -> tuple[Ints, Ints]:
        """First pixel of each cell and the one after its last, on a plane's axis of `size` pixels from `origin`."""
        first = np.floor(self.first * scale).astype(np.int64) - origin
        after = np.ceil(self.after * scale).astype(np.int64) - origin
        first = np.minimum(np.maximum(first, 0), size - 1)
        after = np.minimum(np.maximum(after, first + 1), size)
        return first, after


class Picture:
    """A frame, or part of it, ready to be averaged over many cells; only those averages are turned into RGB.

    box: the part, in pixels of the upright frame; step: only every step-th pixel of each plane is looked at.
    """

    def __init__(self, frame: Frame, box: Box, *, step: int) -> None:
        upright = [np.rot90(plane, -frame.rotation_deg // 90)[::step, ::step] for plane in frame.planes]
        alike = [list(group) for _, group in itertools.groupby(upright, key=lambda plane: plane.shape)]
        self._groups = [_Summed.of(planes, frame, box) for planes in alike]
        self._colour = frame.colour

    def grid(self, cells: Ints, height: int, width: int) -> Floats:
        """Return the mean RGB, 0..1, of each cell of a grid over each box, float32 (N, 3, height, width).

        cells: (N, 4), the boxes x0, y0, x1, y1 in whole pixels of the upright frame, within the picture.
        """
        rows = _Cells.cut(cells[:, 1], cells[:, 3], height)
        cols = _Cells.cut(cells[:, 0], cells[:, 2], width)
        means = np.concatenate([group.means(rows, cols) for group in self._groups])
        means += self._colour.offset[:, None, None, None]
        rgb = np.tensordot(self._colour.matrix, means, axes=1).transpose(1, 0, 2, 3)
        return np.clip(rgb, 0.0, 1.0)
