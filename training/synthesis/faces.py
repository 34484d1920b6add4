"""Pictures of faces, cut out and mapped: the London set from a folder, NASA's astronaut, or drawn ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import medfilt
from skimage import data as skimage_data

from training.synthesis.drawn import draw_person
from training.synthesis.pulse_wave import Series
from training.synthesis.skin import FacePoints, Floats, Pixels, pulse_map, skin_probability


@dataclass(frozen=True, slots=True)
class Face:
    """One picture of a person.

    rgb: uint8 (H, W, 3). alpha: float32 (H, W), 1 on the person, 0 behind. skin: float32 (H, W) 0..1, how much a
    pixel is skin. pulse: float32 (H, W) 0..1, how strongly it pulsates.
    """

    rgb: Pixels
    alpha: Floats
    skin: Floats
    pulse: Floats
    points: FacePoints


class FaceSource(Protocol):
    """Where faces come from."""

    @property
    def people(self) -> Sequence[str]:
        """Everyone there is a picture of."""
        ...

    def load(self, person: str, picture: str) -> Face:
        """Return one picture, `neutral` or `smiling`. KeyError if there is no such person."""
        ...


class LondonFaces:
    """Face Research Lab London Set (CC BY 4.0): `<id>_neutral.jpg`, `<id>_smiling.jpg`, `<id>_neutral.csv`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._people = tuple(sorted(path.name.removesuffix("_neutral.jpg") for path in folder.glob("*_neutral.jpg")))
        if not self._people:
            raise FileNotFoundError(f"no pictures named <id>_neutral.jpg in {folder}")
        self._load = lru_cache(maxsize=24)(self._read)

    @property
    def people(self) -> Sequence[str]:
        """The ids."""
        return self._people

    def load(self, person: str, picture: str) -> Face:
        """Return the neutral or the smiling picture; neutral where the other one lacks."""
        if person not in self._people:
            raise KeyError(person)
        return self._load(person, picture)

    def _read(self, person: str, picture: str) -> Face:
        neutral = _read_rgb(self._folder / f"{person}_neutral.jpg")
        points = _london_points(np.loadtxt(self._folder / f"{person}_neutral.csv", delimiter=",", skiprows=1))
        rgb, other = neutral, self._folder / f"{person}_{picture}.jpg"
        if picture != "neutral" and other.exists():
            rgb = _read_rgb(other)
            points = _follow(neutral, points, rgb)
        alpha, behind = _studio_alpha(rgb, points)
        return _face(_flat_below(_without_spill(rgb, alpha, behind), points), alpha, points)


class AstronautFace:
    """NASA's public-domain portrait of Eileen Collins, from scikit-image."""

    people: Sequence[str] = ("astronaut",)

    def load(self, person: str, picture: str) -> Face:
        """Return the portrait, whichever picture is asked for."""
        if person not in self.people:
            raise KeyError(person)
        return _astronaut()


class DrawnFaces:
    """People drawn from a seed: as many as wanted, no folder needed."""

    def __init__(self, count: int = 24) -> None:
        self._people = tuple(f"drawn_{index:03d}" for index in range(count))

    @property
    def people(self) -> Sequence[str]:
        """`drawn_000` and so on."""
        return self._people

    def load(self, person: str, picture: str) -> Face:
        """Draw the person; the same one always looks the same."""
        if person not in self._people:
            raise KeyError(person)
        return _drawn(int(person.removeprefix("drawn_")), picture == "smiling")


def face_source(folder: Path | None) -> FaceSource:
    """Return the London faces of a folder, or drawn ones without a folder."""
    return DrawnFaces() if folder is None else LondonFaces(folder)


@lru_cache(maxsize=24)
def _drawn(seed: int, smiling: bool) -> Face:
    rgb, alpha, points = draw_person(seed, smiling=smiling)
    return _face(rgb, alpha, points)


@lru_cache(maxsize=1)
def _astronaut() -> Face:
    rgb = np.ascontiguousarray(skimage_data.astronaut()[:400, 20:420])  # type: ignore[no-untyped-call]
    points = FacePoints.from_eyes((182.0, 108.0), (227.0, 108.0))
    mask = np.full(rgb.shape[:2], cv2.GC_BGD, np.uint8)
    cx, cy = points.centre
    cv2.ellipse(mask, (int(cx), int(cy) - 10), (95, 105), 0, 0, 360, cv2.GC_PR_FGD, -1)
    mask[200:] = cv2.GC_PR_FGD
    cv2.ellipse(mask, (int(cx), int(cy)), (40, 55), 0, 0, 360, cv2.GC_FGD, -1)
    mask[330:, 60:330] = cv2.GC_FGD
    cv2.ellipse(mask, (215, 228), (58, 36), 0, 0, 360, cv2.GC_FGD, -1)  # the suit's dark collar
    mask[225:, 335:] = cv2.GC_BGD  # a model of the Shuttle
    cv2.setRNGSeed(0)
    cv2.grabCut(rgb, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    person = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    person = np.asarray(cv2.erode(person, np.ones((3, 3), np.uint8)), np.uint8)
    alpha = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.5)
    return _face(rgb, np.asarray(alpha, np.float32), points)


def _face(rgb: Pixels, alpha: Floats, points: FacePoints) -> Face:
    skin = skin_probability(rgb, points) * alpha
    return Face(rgb, alpha, skin, pulse_map(skin, points), points)


def _read_rgb(path: Path) -> Pixels:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(path)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _london_points(marks: Series) -> FacePoints:
    """Pick from the set's 189: pupils 0 and 1, mouth's corners 87 and 93, hairline 139, chin 129, cheeks 109 to 114."""
    left, right, hairline, chin = (_xy(marks[index]) for index in (0, 1, 139, 129))
    half_width = (np.max(marks[109:115, 0]) - np.min(marks[109:115, 0])) / 2
    return FacePoints(left, right, _xy((marks[87] + marks[93]) / 2), chin, hairline, float(half_width))


def _follow(neutral: Pixels, points: FacePoints, rgb: Pixels) -> FacePoints:
    """Find the eyes of the neutral picture in another one of the same person, and carry the rest along."""
    eyes = [_find_eye(neutral, eye, rgb, points.eye_distance) for eye in (points.left_eye, points.right_eye)]
    old = complex(*points.right_eye) - complex(*points.left_eye)
    turn = (complex(*eyes[1]) - complex(*eyes[0])) / old

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        there = (complex(*point) - complex(*points.left_eye)) * turn + complex(*eyes[0])
        return there.real, there.imag

    return FacePoints(
        eyes[0], eyes[1], moved(points.mouth), moved(points.chin), moved(points.hairline), points.half_width * abs(turn)
    )


def _find_eye(neutral: Pixels, eye: tuple[float, float], rgb: Pixels, unit: float) -> tuple[float, float]:
    x, y = int(eye[0]), int(eye[1])
    wide, high, reach = int(0.38 * unit), int(0.3 * unit), int(0.55 * unit)
    patch = neutral[y - high : y + high, x - wide : x + wide]
    top, left = max(y - high - reach, 0), max(x - wide - reach // 2, 0)
    area = rgb[top : y + high + reach, left : x + wide + reach // 2]
    score = cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED)
    _, _, _, best = cv2.minMaxLoc(score)
    return left + best[0] + wide + eye[0] - x, top + best[1] + high + eye[1] - y


def _studio_alpha(rgb: Pixels, points: FacePoints) -> tuple[Floats, Floats]:
    """Cut a person out of an even, light grey background, a quadratic surface through the picture's top and sides.

    Returns alpha (H, W) and that surface (H, W, 3), float32.
    """
    height, width = rgb.shape[:2]
    y, x = (axis.astype(np.float32) for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 2)
    chin = int(points.chin[1])
    edge = np.zeros((height, width), bool)
    edge[:12] = edge[:chin, :30] = edge[:chin, -30:] = True
    surface = terms @ np.linalg.lstsq(terms[edge], rgb[edge].astype(np.float32), rcond=None)[0]
    red, green, blue = cv2.split(np.abs(rgb - surface).astype(np.float32))
    apart = cv2.max(cv2.max(red, green), blue)
    unit = points.eye_distance
    rows, cols = np.mgrid[:height, :width]
    face = ((cols - points.centre[0]) / points.half_width) ** 2 + (
        (rows - points.centre[1]) / (0.55 * points.height)
    ) ** 2 < 1
    # Too bright for the extrapolated surface to tell from a white shirt: below the neck a pair of shoulders is assumed.
    outline = chin + unit * (0.35 + 0.95 * np.clip((np.abs(cols - points.chin[0]) / unit - 0.6) / 2.2, 0, 1) ** 0.8)
    body = (rows > outline) | ((apart > 26) & (rows > chin)) | face
    opened = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    whole = _without_gaps(np.asarray(opened, np.uint8), chin)
    # How far a pixel is covered by hair: its distance from the background relative to that of the hair beside it.
    far = cv2.dilate(cv2.medianBlur(apart, 3), np.ones((9, 9), np.uint8))
    hair = np.clip((apart - 8) / (0.75 * np.maximum(far, 34) - 8), 0, 1)
    inner = cv2.erode((cv2.GaussianBlur(apart, (0, 0), 3) > 45).astype(np.float32), np.ones((9, 9), np.uint8))
    hair = np.maximum(hair, cv2.GaussianBlur(inner, (0, 0), 2)) * (rows < chin + 0.3 * unit)
    alpha = np.maximum(cv2.GaussianBlur(whole, (0, 0), 1.2), hair)
    # Shoulders that the picture cuts off end in a soft vertical edge instead.
    sides = np.clip((np.minimum(np.arange(width), np.arange(width)[::-1]) - 8) / 6, 0, 1)
    return np.clip(alpha * sides, 0, 1).astype(np.float32), surface.astype(np.float32)


def _without_gaps(body: Pixels, chin: int) -> Floats:
    """Below the chin a body has no holes from side to side, and its outline only widens."""
    whole = body.astype(np.float32)
    rows = [row for row in range(chin, len(body)) if body[row].any()]
    left = medfilt([float(np.argmax(body[row])) for row in rows], 31)
    right = medfilt([float(np.argmax(body[row, ::-1])) for row in rows], 31)
    left[-15:], right[-15:] = left[-16], right[-16]
    left, right = (gaussian_filter1d(edge, 8) for edge in (left, right))
    for row, start, stop in zip(rows, np.minimum.accumulate(left), np.minimum.accumulate(right), strict=True):
        whole[row] = 0
        whole[row, int(start) : body.shape[1] - int(stop)] = 1
    return whole


def _without_spill(rgb: Pixels, alpha: Floats, behind: Floats) -> Pixels:
    """Take the light background's share out of half-covered pixels: hair has no bright rim before a dark wall."""
    share = np.clip(alpha, 0.2, 1)[..., None]
    return np.asarray(np.clip((rgb - (1 - share) * behind) / share, 0, 255), np.uint8)


def _flat_below(rgb: Pixels, points: FacePoints) -> Pixels:
    """Fade the last rows into one colour of cloth: they are repeated where a frame shows more than the picture."""
    cloth = np.median(rgb[-40:, 20:-20].reshape(-1, 3)[np.argsort(rgb[-40:, 20:-20].sum(2).ravel())[-2000:]], axis=0)
    rows = np.arange(len(rgb))[:, None, None]
    share = np.clip((rows - len(rgb) + 50) / 45, 0, 1) * (rows > points.chin[1] + 0.5 * points.eye_distance)
    return np.asarray(rgb * (1 - share) + cloth * share, np.uint8)


def _xy(point: Series) -> tuple[float, float]:
    return float(point[0]), float(point[1])
