"""Faces drawn from a seed, so that everything that needs a face works without a picture of anyone."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthesis.skin import FacePoints, Floats, Pixels

_SIZE = 512
Colour = NDArray[np.float64]  # R, G, B in 0..255
_SKINS = ((236, 196, 176), (224, 178, 150), (198, 150, 118), (166, 116, 86), (120, 80, 58), (84, 56, 42))
_HAIRS = ((30, 24, 22), (62, 42, 30), (104, 74, 46), (150, 118, 76), (70, 66, 64))


def draw_person(seed: int, *, smiling: bool = False) -> tuple[Pixels, Floats, FacePoints]:
    """Draw head and shoulders; return the picture uint8 (512, 512, 3), alpha float32 (512, 512), where the face is."""
    rng = np.random.default_rng([seed, 7])
    unit = rng.uniform(72, 82)
    eyes_y = rng.uniform(215, 235)
    points = FacePoints.from_eyes((256 - unit / 2, eyes_y), (256 + unit / 2, eyes_y))
    skin = np.array(_SKINS[rng.integers(len(_SKINS))]) * rng.uniform(0.94, 1.06, 3)
    hair = np.array(_HAIRS[rng.integers(len(_HAIRS))]) * rng.uniform(0.8, 1.1)
    hair = np.minimum(hair, 0.6 * skin)
    canvas = _Canvas(skin)
    _draw_hair_behind(canvas, points, hair, rng)
    _draw_body(canvas, points, skin, rng)
    _draw_head(canvas, points, skin)
    for side, eye in ((-1, points.left_eye), (1, points.right_eye)):
        _draw_eye(canvas, points, eye, side, hair, skin, rng)
    _draw_nose(canvas, points, skin)
    _draw_mouth(canvas, points, skin, smiling)
    _draw_fringe(canvas, points, hair, rng)
    rgb = canvas.finish(rng)
    return rgb, canvas.alpha, points


class _Canvas:
    """A picture and its alpha, painted on with soft-edged shapes."""

    def __init__(self, skin: Colour) -> None:
        self.rgb = np.tile(skin.astype(np.float32), (_SIZE, _SIZE, 1))
        self.alpha = np.zeros((_SIZE, _SIZE), np.float32)

    def paint(self, mask: Floats, colour: Colour, *, solid: bool = True) -> None:
        self.rgb += mask[..., None] * (np.asarray(colour, np.float32) - self.rgb)
        if solid:
            self.alpha = np.maximum(self.alpha, mask)

    def shade(self, mask: Floats, factor: float) -> None:
        self.rgb *= 1 + (factor - 1) * mask[..., None]

    def finish(self, rng: np.random.Generator) -> Pixels:
        grain = cv2.GaussianBlur(rng.normal(0, 1, (_SIZE, _SIZE)).astype(np.float32), (0, 0), 2.0) * 8
        fine = rng.normal(0, 1.2, (_SIZE, _SIZE)).astype(np.float32)
        return np.clip(cv2.GaussianBlur(self.rgb, (0, 0), 0.8) + (grain + fine)[..., None], 0, 255).astype(np.uint8)


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], soft: float = 1.5) -> Floats:
    mask = np.zeros((_SIZE, _SIZE), np.float32)
    axes = (max(int(radii[0] * 16), 1), max(int(radii[1] * 16), 1))
    cv2.ellipse(mask, (int(centre[0] * 16), int(centre[1] * 16)), axes, 0, 0, 360, 1.0, -1, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)


def _polygon(corners: list[tuple[float, float]], soft: float = 1.5) -> Floats:
    mask = np.zeros((_SIZE, _SIZE), np.float32)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)


def _draw_hair_behind(canvas: _Canvas, points: FacePoints, hair: Colour, rng: np.random.Generator) -> None:
    cx, cy = points.centre
    unit = points.eye_distance
    canvas.paint(_ellipse((cx, cy - 0.45 * unit), (1.25 * unit, 1.45 * unit), 3), hair)
    if rng.random() < 0.4:
        canvas.paint(_ellipse((cx, cy + 0.4 * unit), (1.3 * unit, 1.9 * unit), 5), hair * 0.9)


def _draw_body(canvas: _Canvas, points: FacePoints, skin: Colour, rng: np.random.Generator) -> None:
    cx, chin = points.chin
    unit = points.eye_distance
    cloth = rng.uniform(30, 220, 3)
    canvas.paint(_ellipse((cx, chin + 2.6 * unit), (2.9 * unit, 2.0 * unit), 2), cloth)
    neck = [(cx - 0.68 * unit, chin - 0.8 * unit), (cx + 0.68 * unit, chin - 0.8 * unit)]
    neck += [(cx + 0.8 * unit, chin + 0.75 * unit), (cx, chin + 1.25 * unit), (cx - 0.8 * unit, chin + 0.75 * unit)]
    canvas.paint(_polygon(neck, 2), skin * 0.82)


def _draw_head(canvas: _Canvas, points: FacePoints, skin: Colour) -> None:
    cx, cy = points.centre
    unit, wide = points.eye_distance, points.half_width
    for side in (-1, 1):
        canvas.paint(_ellipse((cx + side * 1.0 * wide, cy + 0.1 * unit), (0.16 * unit, 0.34 * unit)), skin * 0.86)
    upper = _ellipse((cx, cy - 0.12 * unit), (0.98 * wide, 1.42 * unit), 2)
    jaw = _ellipse((cx, cy + 0.42 * unit), (0.82 * wide, 1.0 * unit), 2)
    head = np.maximum(upper, jaw)
    canvas.paint(head, skin)
    y, x = np.mgrid[:_SIZE, :_SIZE].astype(np.float32)
    away = ((x - cx) / wide) ** 2 + ((y - cy) / (1.5 * unit)) ** 2
    canvas.rgb *= 1 - head[..., None] * np.clip(0.32 * away, 0, 0.45)[..., None]
    canvas.shade(_ellipse((cx, points.chin[1] + 0.12 * unit), (0.55 * unit, 0.12 * unit), 6), 0.75)
    for side in (-1, 1):
        canvas.shade(_ellipse((cx + side * 0.52 * unit, cy + 0.3 * unit), (0.3 * unit, 0.22 * unit), 14), 1.06)


def _draw_eye(
    canvas: _Canvas,
    points: FacePoints,
    eye: tuple[float, float],
    side: int,
    hair: Colour,
    skin: Colour,
    rng: np.random.Generator,
) -> None:
    x, y = eye
    unit = points.eye_distance
    canvas.shade(_ellipse((x - side * 0.04 * unit, y - 0.06 * unit), (0.34 * unit, 0.22 * unit), 7), 0.74)
    canvas.paint(_ellipse((x, y), (0.215 * unit, 0.085 * unit), 1), np.array([214, 208, 204]) * 0.9)
    canvas.paint(_ellipse((x, y - 1), (0.085 * unit, 0.085 * unit), 0.8), np.array([64, 48, 36]))
    canvas.paint(_ellipse((x, y - 1), (0.04 * unit, 0.04 * unit), 0.6), np.array([12, 10, 10]))
    canvas.paint(_ellipse((x + 2, y - 3), (1.6, 1.6), 0.5), np.array([245, 245, 245]))
    lid = [(x - 0.25 * unit, y + 0.01 * unit), (x - 0.1 * unit, y - 0.1 * unit), (x + 0.1 * unit, y - 0.1 * unit)]
    lid += [(x + 0.25 * unit, y + 0.01 * unit), (x + 0.1 * unit, y - 0.065 * unit), (x - 0.1 * unit, y - 0.065 * unit)]
    canvas.paint(_polygon(lid, 0.9), skin * 0.25)
    brow_y = y - 0.3 * unit
    inner, outer = x - side * 0.28 * unit, x + side * 0.32 * unit
    brow = [(inner, brow_y + 0.04 * unit), (x + side * 0.1 * unit, brow_y - 0.06 * unit), (outer, brow_y + 0.03 * unit)]
    brow += [(x + side * 0.1 * unit, brow_y + 0.02 * unit), (inner, brow_y + 0.1 * unit)]
    canvas.paint(_polygon(brow, 1.6) * 0.85, np.minimum(hair, skin * 0.5))


def _draw_nose(canvas: _Canvas, points: FacePoints, skin: Colour) -> None:
    cx = points.centre[0]
    unit = points.eye_distance
    eyes_y = points.left_eye[1]
    tip = eyes_y + 0.62 * unit
    canvas.shade(_ellipse((cx, eyes_y + 0.3 * unit), (0.06 * unit, 0.36 * unit), 4), 1.1)
    for side in (-1, 1):
        canvas.shade(_ellipse((cx + side * 0.15 * unit, eyes_y + 0.3 * unit), (0.05 * unit, 0.32 * unit), 5), 0.86)
        canvas.shade(_ellipse((cx + side * 0.22 * unit, tip), (0.07 * unit, 0.09 * unit), 3), 0.8)
        canvas.paint(_ellipse((cx + side * 0.1 * unit, tip + 0.07 * unit), (0.06 * unit, 0.03 * unit), 1.2), skin * 0.3)
    canvas.shade(_ellipse((cx, tip + 0.12 * unit), (0.2 * unit, 0.04 * unit), 4), 0.8)
    canvas.shade(_ellipse((cx, tip - 0.04 * unit), (0.08 * unit, 0.07 * unit), 4), 1.15)


def _draw_mouth(canvas: _Canvas, points: FacePoints, skin: Colour, smiling: bool) -> None:
    x, y = points.mouth
    unit = points.eye_distance
    half = (0.4 if smiling else 0.33) * unit
    lift = (0.1 if smiling else 0.0) * unit
    lips = skin * np.array([0.86, 0.6, 0.62])
    upper = [
        (x - half, y - lift),
        (x - 0.1 * unit, y - 0.1 * unit),
        (x, y - 0.075 * unit),
        (x + 0.1 * unit, y - 0.1 * unit),
    ]
    upper += [(x + half, y - lift), (x, y + 0.01 * unit)]
    lower = [(x - half, y - lift), (x, y + 0.0 * unit), (x + half, y - lift), (x + 0.16 * unit, y + 0.11 * unit)]
    lower += [(x, y + 0.135 * unit), (x - 0.16 * unit, y + 0.11 * unit)]
    canvas.paint(_polygon(upper, 1.3), lips * 0.85)
    canvas.paint(_polygon(lower, 1.3), lips)
    gap = [(x - half, y - lift - 1), (x, y - 1), (x + half, y - lift - 1), (x, y + (6 if smiling else 3))]
    canvas.paint(_polygon(gap, 1.0), np.array([226, 220, 214]) * 0.9 if smiling else lips * 0.35)
    canvas.shade(_ellipse((x, y + 0.24 * unit), (0.2 * unit, 0.05 * unit), 4), 0.84)


def _draw_fringe(canvas: _Canvas, points: FacePoints, hair: Colour, rng: np.random.Generator) -> None:
    cx, top = points.hairline
    unit, wide = points.eye_distance, points.half_width
    band = _ellipse((cx, top - 0.12 * unit), (1.08 * wide, 0.52 * unit), 4)
    face = _ellipse((cx + rng.uniform(-0.1, 0.1) * unit, top + 0.75 * unit), (0.86 * wide, 0.78 * unit), 4)
    canvas.paint(np.clip(band - face, 0, 1), hair)
    strands = cv2.GaussianBlur(rng.normal(0, 1, (_SIZE, _SIZE)).astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=14) * 60
    canvas.rgb += (strands * np.clip(band - face, 0, 1))[..., None]
