"""Head pose -> where in the picture of the face each pixel of a frame looks.

A head is an ellipsoid in front of the neck: turning moves its near parts more than its outline. Shoulders follow at a
fraction.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training.synthesis.skin import FacePoints, Floats

_STEP = 8  # pixels of the frame between two points of the mesh; the pose is smooth, so lines between them do


@dataclass(frozen=True, slots=True)
class Pose:
    """One row of `motion.Poses` in pixels of the frame; angles in radians, jaw and lid 0..1."""

    x: float
    y: float
    roll: float
    yaw: float
    pitch: float
    zoom: float
    jaw: float
    lid: float


class FaceMesh:
    """Sampling maps for one face at one place of a frame.

    points: the face in its (already scaled) texture. corner: where the texture's upper left corner lies in the
    frame at rest. region: x0, y0, x1, y1 of the frame that is covered.
    """

    def __init__(self, points: FacePoints, corner: tuple[float, float], region: tuple[int, int, int, int]) -> None:
        x0, y0, x1, y1 = region
        self._size = x1 - x0, y1 - y0
        columns = (
            np.linspace(x0, x1, max((x1 - x0) // _STEP, 2), endpoint=False)
            + (x1 - x0) / max((x1 - x0) // _STEP, 2) / 2
            - 0.5
        )
        rows = (
            np.linspace(y0, y1, max((y1 - y0) // _STEP, 2), endpoint=False)
            + (y1 - y0) / max((y1 - y0) // _STEP, 2) / 2
            - 0.5
        )
        self._centre = points.centre
        half_height = points.height / 2
        self._pivot = half_height * 1.5
        self._x, self._y = (
            axis.astype(np.float32)
            for axis in np.meshgrid(columns - corner[0] - points.centre[0], rows - corner[1] - points.centre[1])
        )
        self._depth = points.half_width * 0.9
        self._axes = points.half_width * 1.15, half_height * 1.3
        self._head = np.clip((1.9 - self._y / half_height) / 0.8, 0.35, 1)
        self._mouth_y = points.mouth[1] - points.centre[1]
        self._chin_y = points.chin[1] - points.centre[1]
        self._mouth_width = points.half_width * 0.8

    def maps(self, pose: Pose) -> Floats:
        """Return the texture coordinates x, y of every pixel of the region, float32 (height, width, 2)."""
        return np.asarray(cv2.resize(self.coarse(pose), self._size, interpolation=cv2.INTER_LINEAR), np.float32)

    def coarse(self, pose: Pose) -> Floats:
        """Return the same on a mesh of one point per 8 pixels, cell centres, float32 (rows, columns, 2)."""
        head = self._head
        x, y = self._x - head * pose.x, self._y - head * pose.y
        # Roll and zoom turn about the neck.
        cos, sin = np.cos(pose.roll) / pose.zoom, np.sin(pose.roll) / pose.zoom
        y = y - self._pivot
        rolled_x = x + head * ((cos - 1) * x + sin * y)
        rolled_y = y + head * ((cos - 1) * y - sin * x) + self._pivot
        bulge = self._depth * np.exp(-((rolled_x / self._axes[0]) ** 2) - (rolled_y / self._axes[1]) ** 2) * head
        near = bulge / self._depth
        x = rolled_x - np.sin(pose.yaw) * bulge + (1 - np.cos(pose.yaw)) * rolled_x * near
        y = rolled_y - np.sin(pose.pitch) * bulge
        if pose.jaw:
            y = y - pose.jaw * self._jaw(x, y)
        out = np.empty((*x.shape, 2), np.float32)
        out[..., 0] = x + self._centre[0]
        out[..., 1] = y + self._centre[1]
        return out

    def _jaw(self, x: Floats, y: Floats) -> Floats:
        span = self._chin_y - self._mouth_y
        below = np.clip((y - self._mouth_y) / (0.25 * span), 0, 1) * np.clip(
            (self._chin_y + 0.8 * span - y) / (0.8 * span), 0, 1
        )
        return np.asarray(0.16 * span * below * np.exp(-((x / self._mouth_width) ** 4)), np.float32)
