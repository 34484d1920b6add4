"""What stands behind the head: walls, rooms, foliage-like texture, colours near skin, and people passing."""

import cv2
import numpy as np

from training.synthesis.pulse_wave import Series, smooth_noise
from training.synthesis.skin import Floats

BACKGROUNDS = ("wall", "room", "texture", "skin_coloured", "moving")


class Background:
    """A picture, float32 (H, W, 3) in pixel values; someone may pass, and the camera may shake."""

    def __init__(self, picture: Floats, passing: Series | None) -> None:
        self._picture = picture
        self._passing = passing
        self._dark = picture[:, ::-1] * np.float32(0.45) if passing is not None else picture

    def draw(self, frame: Floats, index: int, gain: Floats, shift: tuple[float, float]) -> None:
        """Fill `frame` with what is seen at frame `index`, times gain (3,), moved by `shift` pixels."""
        picture = self._picture if self._passing is None else self._passed(int(self._passing[index]))
        if shift != (0.0, 0.0):
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
            size = picture.shape[1], picture.shape[0]
            picture = np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT), np.float32)
        cv2.transform(picture, np.diag(gain), dst=frame)

    def _passed(self, centre: int) -> Floats:
        width = self._picture.shape[1]
        x0, x1 = (int(np.clip(centre + side * width // 8, 0, width)) for side in (-1, 1))
        changed = self._picture.copy()
        changed[:, x0:x1] = self._dark[:, x0:x1]
        return changed


def make_background(kind: str, width: int, height: int, times_s: Series, rng: np.random.Generator) -> Background:
    """Paint a background of one of BACKGROUNDS."""
    picture = _PAINTERS[kind](width, height, rng)
    passing = None
    if kind == "moving":
        passing = width * (0.5 + 0.7 * smooth_noise(times_s, 0.03, 0.3, rng))
    return Background(np.clip(picture, 2, 253).astype(np.float32), passing)


def _wall(width: int, height: int, rng: np.random.Generator) -> Floats:
    colour = rng.uniform(40, 220) * rng.uniform(0.85, 1.15, 3)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = 1 + rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.3, 0.3) * y
    return np.asarray(fall[..., None] * colour + _octaves(width, height, rng)[..., None] * 5, np.float32)


def _room(width: int, height: int, rng: np.random.Generator) -> Floats:
    picture = _wall(width, height, rng)
    for _ in range(rng.integers(4, 16)):
        x, y = rng.uniform(-0.1, 1.0) * width, rng.uniform(-0.1, 1.0) * height
        w, h = rng.uniform(0.05, 0.4) * width, rng.uniform(0.05, 0.5) * height
        colour = [float(value) for value in rng.uniform(20, 230) * rng.uniform(0.82, 1.18, 3)]
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.8, 6.0)))
    return np.asarray(blurred + _octaves(width, height, rng)[..., None] * 4, np.float32)


def _texture(width: int, height: int, rng: np.random.Generator) -> Floats:
    colours = rng.uniform(20, 220, (2, 1)) * rng.uniform(0.7, 1.3, (2, 3))
    mix = np.clip(0.5 + 0.5 * _octaves(width, height, rng), 0, 1)[..., None]
    return np.asarray(colours[0] * mix + colours[1] * (1 - mix), np.float32)


def _skin_coloured(width: int, height: int, rng: np.random.Generator) -> Floats:
    colour = np.array([210, 165, 140]) * rng.uniform(0.5, 1.1) * rng.uniform(0.95, 1.05, 3)
    return np.asarray(colour + _octaves(width, height, rng)[..., None] * rng.uniform(3, 20), np.float32)


_PAINTERS = {"wall": _wall, "room": _room, "texture": _texture, "skin_coloured": _skin_coloured, "moving": _room}


def _octaves(width: int, height: int, rng: np.random.Generator) -> Floats:
    """Noise of about unit variance whose detail grows weaker as it grows finer."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((4, 0.8), (12, 0.45), (48, 0.25), (160, 0.12)):
        coarse = rng.normal(0, 1, (cells * height // width + 2, cells + 2)).astype(np.float32)
        total += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return total
