"""The person in front of the camera: one picture, moved by poses, lit and pulsating, drawn over a background."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthesis.faces import Face
from training.synthesis.mesh import FaceMesh, Pose
from training.synthesis.motion import Poses
from training.synthesis.recipe import Recipe
from training.synthesis.relief import GRID, Relief
from training.synthesis.skin import FacePoints, Floats, Pixels, add_melanin

_NO_MAP = np.empty(0, np.float32)
_FIELD_PAD = GRID // 2
_FACTOR_STEP = 4  # the factor field is smooth: looked up at every fourth pixel, lines between


class _Buffers:
    """What each frame is worked out in; fresh arrays of this size would cost more than the work itself."""

    def __init__(self, height: int, width: int) -> None:
        self.maps = np.empty((height, width, 2), np.float32)
        self.looked = np.empty((height, width, 4), np.uint8)
        self.colour = np.empty((height, width, 3), np.uint8)
        self.factors, self.person, self.behind = (np.empty((height, width, 3), np.float32) for _ in range(3))


class PersonLayer:
    """Draws one face into frames."""

    def __init__(self, recipe: Recipe, face: Face) -> None:
        scene, camera = recipe.scene, recipe.camera
        if scene.mirrored:
            face = _mirrored(face)
        face = _coloured(face, scene.melanin, scene.clothes)
        scale = scene.face_height * camera.height / face.points.height
        points = _scaled(face.points, scale)
        self._relief = Relief(face, recipe.pulse, recipe.light, camera.gamma, recipe.rng("relief"))
        texture = _texture(face, scale, camera.blur_px)
        corner = scene.centre_x * camera.width - points.centre[0], scene.centre_y * camera.height - points.centre[1]
        self._region = _region(texture.shape, corner, points.height, (camera.width, camera.height))
        self._mesh = FaceMesh(points, corner, self._region)
        self._pad = int(0.5 * points.height)
        self._open = _padded(texture, self._pad, max(int(self._region[3] - corner[1]) - texture.shape[0], 0))
        self._shut = _padded(
            _shut_eyes(texture, points), self._pad, self._open.shape[0] - texture.shape[0] - 2 * self._pad
        )
        self._buffers = _Buffers(self._region[3] - self._region[1], self._region[2] - self._region[0])
        self._unit = points.height
        self._grid = np.array([GRID / texture.shape[1], GRID / texture.shape[0]], np.float32)

    def pose(self, poses: Poses, index: int) -> Pose:
        """Return the pose of frame `index` in the frame's pixels."""
        return Pose(
            x=float(poses.x[index] + poses.camera_x[index]) * self._unit,
            y=float(poses.y[index] + poses.camera_y[index]) * self._unit,
            roll=float(poses.roll[index]),
            yaw=float(poses.yaw[index]),
            pitch=float(poses.pitch[index]),
            zoom=float(poses.zoom[index]),
            jaw=float(poses.jaw[index]),
            lid=float(poses.lid[index]),
        )

    def camera_shift(self, poses: Poses, index: int) -> tuple[float, float]:
        """Return how far the camera's own shaking moves the whole picture at frame `index`, in pixels."""
        return float(poses.camera_x[index]) * self._unit, float(poses.camera_y[index]) * self._unit

    def draw(
        self,
        frame: Floats,
        pose: Pose,
        gain: NDArray[np.float64],
        towards: NDArray[np.float64],
        ppg: tuple[float, float],
    ) -> None:
        """Draw the person over `frame`, float32 (H, W, 3), in place. ppg: the wave's value and its slope per second."""
        x0, y0, x1, y1 = self._region
        coarse = self._mesh.coarse(pose)
        keep = self._buffers
        cv2.resize(coarse + self._pad, (x1 - x0, y1 - y0), dst=keep.maps, interpolation=cv2.INTER_LINEAR)
        texture = self._open if pose.lid < 0.03 else self._blinking(pose.lid)
        cv2.remap(texture, keep.maps, _NO_MAP, cv2.INTER_LINEAR, dst=keep.looked, borderMode=cv2.BORDER_REPLICATE)
        self._look_up_factors(coarse, self._relief.factors(pose, towards, gain, ppg))
        cv2.cvtColor(keep.looked, cv2.COLOR_RGBA2RGB, dst=keep.colour)
        cv2.multiply(keep.colour, keep.factors, dst=keep.person, dtype=cv2.CV_32F)
        cv2.cvtColor(cv2.extractChannel(keep.looked, 3), cv2.COLOR_GRAY2RGB, dst=keep.colour)
        area = frame[y0:y1, x0:x1]
        cv2.multiply(keep.colour, area, dst=keep.behind, scale=1 / 255, dtype=cv2.CV_32F)
        cv2.add(keep.behind, keep.person, dst=area)

    def _look_up_factors(self, coarse: Floats, field: Floats) -> None:
        x0, y0, x1, y1 = self._region
        size = max((x1 - x0) // _FACTOR_STEP, 2), max((y1 - y0) // _FACTOR_STEP, 2)
        maps = (cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR) + 0.5) * self._grid - 0.5
        padded = cv2.copyMakeBorder(field, _FIELD_PAD, _FIELD_PAD, _FIELD_PAD, _FIELD_PAD, cv2.BORDER_REPLICATE)
        looked = cv2.remap(padded, maps + _FIELD_PAD, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        cv2.resize(looked, (x1 - x0, y1 - y0), dst=self._buffers.factors, interpolation=cv2.INTER_LINEAR)

    def _blinking(self, lid: float) -> Pixels:
        return np.asarray(cv2.addWeighted(self._open, 1 - lid, self._shut, lid, 0), np.uint8)


def _region(
    shape: tuple[int, ...], corner: tuple[float, float], unit: float, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The part of the frame that the person may cover: down to its end, for shoulders have one only there."""
    margin = 0.25 * unit
    x0, x1 = np.clip([corner[0] - margin, corner[0] + shape[1] + margin], 0, size[0])
    y0 = np.clip(corner[1] - margin, 0, size[1])
    return int(x0), int(y0), int(np.ceil(x1)), size[1]


def _texture(face: Face, scale: float, blur_px: float) -> Pixels:
    """RGB times alpha, and how much shines through, 255 (1 - alpha), at the frame's scale: uint8 (H, W, 4)."""
    alpha = face.alpha[..., None]
    layers = np.concatenate([face.rgb * alpha, 255 * (1 - alpha)], 2).astype(np.float32)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(layers, None, fx=scale, fy=scale, interpolation=way)
    return np.asarray(np.clip(cv2.GaussianBlur(scaled, (0, 0), max(blur_px, 0.3)) + 0.5, 0, 255), np.uint8)


def _padded(texture: Pixels, pad: int, below: int) -> Pixels:
    """Nothing around the picture, its last row repeated below: cv2.remap is ten times slower where it looks outside."""
    wide = cv2.copyMakeBorder(texture, pad, 0, pad, pad, cv2.BORDER_CONSTANT, value=(0, 0, 0, 255))
    return np.asarray(cv2.copyMakeBorder(wide, 0, below + pad, 0, 0, cv2.BORDER_REPLICATE), np.uint8)


def _shut_eyes(texture: Pixels, points: FacePoints) -> Pixels:
    """Paint lids: skin from above drawn down over each eye, with lashes at its lower edge."""
    shut = texture.copy()
    unit = points.eye_distance
    wide, high = 0.3 * unit, 0.15 * unit
    for x, y in (points.left_eye, points.right_eye):
        x0, x1, y0, y1 = int(x - wide), int(x + wide) + 1, int(y - high), int(y + high) + 1
        rows = np.linspace(0, 1, y1 - y0)[:, None, None]
        above, below = (cv2.blur(texture[row : row + 1, x0:x1], (max(int(unit / 10), 1), 1)) for row in (y0, y1))
        lid = above * (1 - rows) + below * rows
        across = np.linspace(-1, 1, x1 - x0)[None, :, None]
        lash = np.exp(-(((rows - 0.62 + 0.12 * across**2) / 0.07) ** 2)) * (np.abs(across) < 0.8)
        lid[..., :3] *= 1 - 0.5 * lash
        inside = np.clip(1.6 * (1 - (across**2 + (2 * rows - 1) ** 2)), 0, 1)
        shut[y0:y1, x0:x1] = (inside * lid + (1 - inside) * texture[y0:y1, x0:x1]).astype(np.uint8)
    return shut


def _coloured(face: Face, melanin: float, clothes: tuple[float, float, float]) -> Face:
    rgb = add_melanin(face.rgb, face.skin, melanin)
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    below = np.clip((rows - face.points.chin[1]) / (0.15 * face.points.height), 0, 1)
    # What is worn in the pictures is white, or as good as any other colour where they are drawn.
    least, most = (cv2.GaussianBlur(way(rgb, axis=2).astype(np.float32), (0, 0), 2) for way in (np.min, np.max))
    white = np.clip((least - 110) / 40, 0, 1) * np.clip((1.28 - most / (least + 1)) / 0.1, 0, 1)
    worn = (below * white)[..., None]
    return replace(face, rgb=(rgb * (1 - worn * (1 - np.array(clothes, np.float32)))).astype(np.uint8))


def _mirrored(face: Face) -> Face:
    last = face.rgb.shape[1] - 1

    def flip(point: tuple[float, float]) -> tuple[float, float]:
        return last - point[0], point[1]

    at = face.points
    points = FacePoints(
        flip(at.right_eye), flip(at.left_eye), flip(at.mouth), flip(at.chin), flip(at.hairline), at.half_width
    )
    alpha, skin, pulse = (np.ascontiguousarray(layer[:, ::-1]) for layer in (face.alpha, face.skin, face.pulse))
    return Face(np.ascontiguousarray(face.rgb[:, ::-1]), alpha, skin, pulse, points)


def _scaled(points: FacePoints, scale: float) -> FacePoints:
    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * scale, point[1] * scale

    at = points
    return FacePoints(
        moved(at.left_eye),
        moved(at.right_eye),
        moved(at.mouth),
        moved(at.chin),
        moved(at.hairline),
        at.half_width * scale,
    )
