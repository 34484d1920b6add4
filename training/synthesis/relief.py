"""How light and blood change a face's picture: factors on its pixel values (dichromatic model, Wang et al. 2017).

C = I (v_s specular + v_d diffuse + u_p pulse). Factors on light become factors on pixel values through a power-law
camera response, so everything here is a factor on the picture's own values; what is smooth in space is worked out on
an 80 x 80 grid of the picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthesis.faces import Face
from training.synthesis.light import LightSettings
from training.synthesis.mesh import Pose
from training.synthesis.pulse_wave import PulseSettings
from training.synthesis.skin import Floats

GRID = 80
PULSE_RGB = np.array([0.33, 0.77, 0.53]) / 0.77  # relative amplitude in R, G, B (Wang et al. 2017), 1 in green
SHINE_LEVEL = 165.0  # mean pixel value of light skin: the mirror reflection is as bright on any skin
_VIEW = np.array([0.0, 0.0, 1.0])


class Relief:
    """Factor fields for one face."""

    def __init__(
        self, face: Face, pulse: PulseSettings, light: LightSettings, gamma: float, rng: np.random.Generator
    ) -> None:
        self._light = light
        self._gamma = gamma
        sample = face.rgb[face.pulse > 0.5]
        skin = sample.mean(0) if len(sample) else np.array([200.0, 160.0, 140.0])
        tone = _melanin_loss(float(skin[1]), gamma)
        self._strength = pulse.strength * tone * PULSE_RGB * np.clip(rng.normal(1, 0.08, 3), 0.8, 1.2)
        self._normals = _normals(face)
        self._skin = _coarse(face.skin)
        blood = _coarse(face.pulse) * np.clip(1 + 0.2 * _blobs(rng, 12), 0.4, 1.6) * _bare(face, pulse)
        self._pulse = (blood, blood * (pulse.delay_s * _blobs(rng, 20)).astype(np.float32))
        # The mirror reflection has the light's colour, not the skin's: relative to the skin it is strongest in blue.
        self._mirror = (light.shine * SHINE_LEVEL / skin).astype(np.float32)
        self._mouth = _mouth(face)

    def factors(
        self, pose: Pose, towards: NDArray[np.float64], glow: NDArray[np.float64], ppg: tuple[float, float]
    ) -> Floats:
        """Return float32 (80, 80, 3): factors on R, G, B. ppg: the wave's value and its slope per second."""
        towards = _turn(towards, -pose.yaw, -pose.pitch)
        view = _turn(_VIEW, -pose.yaw, -pose.pitch)
        half = towards + view
        half /= np.linalg.norm(half)
        diffuse = np.maximum(self._normals @ towards.astype(np.float32), 0)
        shade = self._light.ambient + (1 - self._light.ambient) * diffuse
        mirror = np.power(np.maximum(self._normals @ half.astype(np.float32), 0), self._light.shininess) * self._skin
        shade = np.power(shade + 0.02, 1 / self._gamma)
        blood = self._pulse[0] * np.float32(ppg[0]) - self._pulse[1] * np.float32(ppg[1])
        if pose.jaw:
            shade = shade * (1 - 0.5 * pose.jaw * self._mouth)
        field = np.empty((GRID, GRID, 3), np.float32)
        for channel in range(3):
            lit = 1 - np.float32(self._strength[channel]) * blood + self._mirror[channel] * mirror
            np.multiply(shade * np.float32(glow[channel]), lit, out=field[..., channel])
        return field


def _melanin_loss(green: float, gamma: float) -> float:
    """How much of light skin's relative pulse is left in skin of this green pixel value, 0.45 to 1.

    Melanin lies above the vessels: less light reaches them and the surface's own share of what comes back grows. Dark
    skin shows a third to a half of light skin's relative pulse (Nowara et al. 2020); a fourth root of the reflectance
    gives 0.6 for a reflectance of 4 %, and the mirror reflection takes the rest.
    """
    return float(np.clip(((green / 255) ** gamma / 0.35) ** 0.25, 0.45, 1.0))


def _bare(face: Face, pulse: PulseSettings) -> Floats:
    """What share of the pulse hair, make-up or cloth leaves to be seen, float32 (80, 80)."""
    rows = face.alpha.shape[0]
    y = (np.arange(GRID, dtype=np.float32)[:, None] + 0.5) * rows / GRID
    eyes_y = (face.points.left_eye[1] + face.points.right_eye[1]) / 2
    below = np.clip((y - (0.4 * eyes_y + 0.6 * face.points.mouth[1])) / (0.1 * face.points.height), 0, 1)
    above = np.clip((eyes_y - 0.12 * face.points.height - y) / (0.1 * face.points.height), 0, 1)
    return np.asarray((1 - pulse.beard * below) * (1 - pulse.fringe * above) * np.ones((GRID, GRID)), np.float32)


def _normals(face: Face) -> Floats:
    """Unit normals of an ellipsoid head on a nearly flat body, float32 (80, 80, 3): right, down, to the camera."""
    rows, cols = face.alpha.shape
    cx, cy = face.points.centre
    y, x = np.mgrid[:GRID, :GRID].astype(np.float32)
    x = ((x + 0.5) * cols / GRID - cx) / (face.points.half_width * 1.25)
    y = ((y + 0.5) * rows / GRID - cy) / (face.points.height * 0.72)
    fade = np.clip(1.6 - np.hypot(x, y), 0.3, 1)
    slope = np.stack([np.clip(x, -1.2, 1.2) * fade, np.clip(y, -1.2, 1.2) * fade, np.full_like(x, 0.9)], 2)
    normals: Floats = slope / np.linalg.norm(slope, axis=2, keepdims=True)
    return normals


def _mouth(face: Face) -> Floats:
    rows, cols = face.alpha.shape
    y, x = np.mgrid[:GRID, :GRID].astype(np.float32)
    unit = face.points.eye_distance
    x = ((x + 0.5) * cols / GRID - face.points.mouth[0]) / (0.32 * unit)
    y = ((y + 0.5) * rows / GRID - face.points.mouth[1] - 0.06 * unit) / (0.1 * unit)
    return np.asarray(np.exp(-(x**2) - y**2), np.float32)


def _blobs(rng: np.random.Generator, size: float) -> Floats:
    """A smooth random field of unit variance."""
    field = cv2.GaussianBlur(rng.normal(0, 1, (GRID, GRID)).astype(np.float32), (0, 0), size)
    return np.asarray((field - field.mean()) / (field.std() + 1e-9), np.float32)


def _coarse(full: Floats) -> Floats:
    return np.asarray(cv2.resize(full, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)


def _turn(vector: NDArray[np.float64], yaw: float, pitch: float) -> NDArray[np.float64]:
    x, y, z = vector
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
    return np.array([x, y, z])
