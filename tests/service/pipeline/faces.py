"""Pictures with faces at known places, for the tests of detection and tracking."""

from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray

from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.types import Box

Rgb = NDArray[np.uint8]

FACE_MODEL = Path(__file__).parents[3] / "model_store" / "face-1.0.0"
PORTRAIT_SIDE = 240
FACE_IN_PORTRAIT = Box(80, 60, 168, 173)  # where the face lies in portrait(), by eye


def portrait() -> Rgb:
    """Head and shoulders of NASA's portrait of Eileen Collins (public domain), uint8 (240, 240, 3)."""
    picture: Rgb = skimage.data.astronaut()[0:240, 100:340]  # type: ignore[no-untyped-call]
    return picture


def scene(*corners: tuple[int, int], width: int = 640, height: int = 480) -> Rgb:
    """Return a grey picture with the portrait at each corner (x, y), each wholly within it."""
    picture = np.full((height, width, 3), 120, np.uint8)
    for x, y in corners:
        picture[y : y + PORTRAIT_SIDE, x : x + PORTRAIT_SIDE] = portrait()
    return picture


def scene_frame(*corners: tuple[int, int], time_s: float = 0.0) -> Frame:
    """Return scene() as a frame."""
    return frame_from_rgb(scene(*corners), time_s)


def noise(seed: int, *, height: int = 480, width: int = 640) -> Rgb:
    """Return coloured noise, coarse and fine, that shows nothing."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 160, (height // 40 + 1, width // 40 + 1, 3)).repeat(40, axis=0).repeat(40, axis=1)
    picture: Rgb = (coarse[:height, :width] + rng.integers(0, 60, (height, width, 3))).astype(np.uint8)
    return picture


def centre(box: Box) -> tuple[float, float]:
    """Return a box's centre."""
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
