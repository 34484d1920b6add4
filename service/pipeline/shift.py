"""How far a face moves within its crop from frame to frame, by the pictures alone."""

from functools import lru_cache

import numpy as np

from service.pipeline.spectrum import Bins
from service.pipeline.types import Floats

AXES = 2
_HALF = np.float32(0.5)
_REACH = 0.75  # half-axes of the crop: the ellipse that moves with the head
_LEAST = 1e-3  # of a pixel's squared gradients, summed: what is flatter tells no motion


def shifts(brightness: Floats) -> Floats:
    """Return by how much of the crop's side the face moves from each frame to the next: (T - 1, 2), right and down.

    brightness: (T, size * size), the logarithm of the pixels, row by row. The least squares of Lucas & Kanade 1981 over
    the crop's middle, in which all pixels may brighten alike. Within a sixth for a fraction of a pixel; of several
    pixels, and of turns of the head, less is seen than there is.
    """
    size = round(brightness.shape[1] ** 0.5)
    at = _inside(size)
    both = (brightness[1:] + brightness[:-1]) * _HALF
    right = _centred((both[:, at + 1] - both[:, at - 1]) * _HALF)
    down = _centred((both[:, at + size] - both[:, at - size]) * _HALF)
    change = _centred(brightness[1:, at] - brightness[:-1, at])
    (rr, dd, rd, rc, dc) = (  # in float64: stripes leave next to nothing of the determinant
        np.einsum("tp,tp->t", a, b).astype(np.float64)
        for a, b in ((right, right), (down, down), (right, down), (right, change), (down, change))
    )
    rr, dd = rr + _LEAST, dd + _LEAST
    moved = np.stack([rd * dc - dd * rc, rd * rc - rr * dc], axis=1) / (rr * dd - rd**2)[:, None]
    return np.asarray(moved / size, np.float32)


def _centred(values: Floats) -> Floats:
    centred: Floats = values - values.mean(axis=1, keepdims=True)
    return centred


@lru_cache(maxsize=16)
def _inside(size: int) -> Bins:
    """Return the pixels of a crop, row by row, that lie in its middle and have neighbours on all sides."""
    at = (2 * np.arange(size) + 1) / size - 1
    middle = np.hypot(at[:, None], at) < _REACH
    middle[[0, -1]] = middle[:, [0, -1]] = False
    return np.flatnonzero(middle)
