"""Where in a picture of a face skin is, how strongly it pulsates there, and how melanin darkens it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Where the parts of an upright face are, (x, y) in pixels of the picture; left and right as seen in it."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]
    chin: tuple[float, float]
    hairline: tuple[float, float]
    half_width: float

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes in pixels."""
        return float(np.hypot(self.right_eye[0] - self.left_eye[0], self.right_eye[1] - self.left_eye[1]))

    @property
    def height(self) -> float:
        """Hairline to chin in pixels; about the height of a detector's box."""
        return self.chin[1] - self.hairline[1]

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the face in pixels."""
        return (self.chin[0] + self.hairline[0]) / 2, (self.chin[1] + self.hairline[1]) / 2

    @classmethod
    def from_eyes(cls, left_eye: tuple[float, float], right_eye: tuple[float, float]) -> "FacePoints":
        """Guess the rest from the eyes, by the mean proportions of the London faces."""
        middle = np.add(left_eye, right_eye) / 2
        across = np.subtract(right_eye, left_eye)
        down = np.array([-across[1], across[0]])
        distance = float(np.hypot(*across))
        mouth, chin, hairline = (middle + k * down for k in (1.02, 1.72, -1.1))
        return cls(left_eye, right_eye, _pair(mouth), _pair(chin), _pair(hairline), 0.98 * distance)


def skin_probability(rgb: Pixels, points: FacePoints) -> Floats:
    """Return how like the cheeks and the forehead each pixel near the face is in colour, float32 (H, W) 0..1.

    rgb: uint8 (H, W, 3).
    """
    linear = rgb.astype(np.float32) + 4
    sample = np.concatenate([_patch(linear, *spot).reshape(-1, 3) for spot in _skin_spots(points)])
    middle = np.median(sample, axis=0)
    light = np.log(linear.mean(2) / middle.mean())
    shares = linear / linear.sum(2, keepdims=True) - middle / middle.sum()
    likeness = np.exp(-0.5 * ((light / 0.45) ** 2 + (shares**2).sum(2) / 0.035**2))
    x, y = _face_coordinates(rgb.shape[:2], points)
    reach = _fall(np.hypot(x / 1.15, np.clip(np.abs(y) - np.where(y > 0, 0.9, 0.0), 0, None)), 0.95, 1.15)
    eyes = sum(_ellipse(rgb.shape[:2], eye, (0.27, 0.13), points) for eye in (points.left_eye, points.right_eye))
    probability = cv2.GaussianBlur((likeness * reach * (1 - eyes)).astype(np.float32), (0, 0), 1.2)
    return np.asarray(np.clip(probability * 1.2 - 0.1, 0, 1), np.float32)


def pulse_map(skin: Floats, points: FacePoints) -> Floats:
    """Return the relative strength of the pulse, float32 (H, W) 0..1: cheeks and forehead most, neck and lips least.

    The weights follow the regions' ranking of Verkruysse et al. 2008 and Lempe et al. 2013.
    """
    x, y = _face_coordinates(skin.shape, points)
    weight = 0.6 + 0.4 * np.exp(-((x**2 + (y + 0.55) ** 2) / 0.3))
    for side in (-0.5, 0.5):
        weight += 0.4 * np.exp(-(((x - side) / 0.35) ** 2 + ((y - 0.1) / 0.3) ** 2))
    weight *= 1 - 0.55 * np.clip((y - 0.85) / 0.3, 0, 1)
    weight *= 1 - 0.7 * _ellipse(skin.shape, points.mouth, (0.38, 0.14), points)
    result: Floats = (np.clip(weight, 0, 1) * skin).astype(np.float32)
    return result


def add_melanin(rgb: Pixels, skin: Floats, amount: float) -> Pixels:
    """Darken (amount > 0) or lighten skin as melanin does: Beer-Lambert with more absorption at short wavelengths.

    amount is the optical density added in green; 0.3 darkens a light skin to a medium one.
    """
    if amount == 0:
        return rgb
    # Lids, lips and marks that do not look like skin in colour are skin all the same.
    spread = cv2.GaussianBlur(cv2.dilate(skin, np.ones((9, 9), np.uint8)), (0, 0), 3)
    factor = np.exp(-amount * spread[..., None] * np.array([0.85, 1.0, 1.15], np.float32))
    return np.asarray(np.clip(rgb * factor, 0, 255), np.uint8)


def tone_group(rgb: Pixels, points: FacePoints) -> str:
    """Return `light`, `medium` or `dark` by cheeks' and forehead's individual typology angle (Chardon et al. 1991)."""
    sample = np.concatenate([_patch(rgb, *spot).reshape(-1, 3) for spot in _skin_spots(points)])
    colour = np.median(sample, axis=0).astype(np.float32).reshape(1, 1, 3) / 255
    lightness, _, yellow = cv2.cvtColor(colour, cv2.COLOR_RGB2LAB).ravel()
    angle = np.degrees(np.arctan2(lightness - 50, yellow))
    return "light" if angle > 35 else "medium" if angle > -5 else "dark"


def _skin_spots(points: FacePoints) -> list[tuple[float, float, float]]:
    """Centre and radius of patches that are skin in nearly every face: both cheeks, the forehead."""
    unit = points.eye_distance
    eyes_y = (points.left_eye[1] + points.right_eye[1]) / 2
    cheek_y = eyes_y + 0.62 * (points.mouth[1] - eyes_y)
    forehead = (points.centre[0], eyes_y - 0.5 * (eyes_y - points.hairline[1]), 0.16 * unit)
    return [(points.left_eye[0], cheek_y, 0.14 * unit), (points.right_eye[0], cheek_y, 0.14 * unit), forehead]


def _patch(picture: NDArray[np.float32] | Pixels, x: float, y: float, radius: float) -> NDArray[np.float32] | Pixels:
    return picture[int(y - radius) : int(y + radius) + 1, int(x - radius) : int(x + radius) + 1]


def _face_coordinates(shape: tuple[int, ...], points: FacePoints) -> tuple[Floats, Floats]:
    """x and y of each pixel, -1..1 from ear to ear and from hairline to chin."""
    cx, cy = points.centre
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return (x - cx) / points.half_width, (y - cy) / (points.height / 2)


def _ellipse(
    shape: tuple[int, ...], centre: tuple[float, float], radii: tuple[float, float], points: FacePoints
) -> Floats:
    """A soft ellipse, radii in eye distances."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    unit = points.eye_distance
    return _fall(np.hypot((x - centre[0]) / (radii[0] * unit), (y - centre[1]) / (radii[1] * unit)), 0.8, 1.3)


def _fall(value: Floats, start: float, stop: float) -> Floats:
    return np.asarray(np.clip((stop - value) / (stop - start), 0, 1), np.float32)


def _pair(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])
