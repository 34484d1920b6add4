"""Recipe -> video file and the pulse it shows."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from training.synthesis.background import make_background
from training.synthesis.camera import Sensor, frame_times
from training.synthesis.codec import VideoWriter
from training.synthesis.faces import FaceSource
from training.synthesis.light import make_lights
from training.synthesis.motion import make_poses
from training.synthesis.person import PersonLayer
from training.synthesis.pulse_wave import Series, Truth, make_truth
from training.synthesis.recipe import Recipe
from training.synthesis.skin import Floats, Pixels

__all__ = ["Truth", "render", "render_frames"]


def render(recipe: Recipe, faces: FaceSource, path: Path) -> Truth:
    """Write the clip to `path`, whatever its suffix (the recipe names the container), and return its truth.

    KeyError if `faces` does not know the recipe's person.
    """
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    camera = recipe.camera
    with VideoWriter(path, recipe.codec, camera.width, camera.height, camera.fps) as writer:
        for time_s, rgb in render_frames(recipe, faces, truth):
            writer.write(rgb, time_s)
    return truth


def render_frames(recipe: Recipe, faces: FaceSource, truth: Truth) -> Iterator[tuple[float, Pixels]]:
    """Yield (time_s, RGB) of each frame before coding, uint8 (height, width, 3)."""
    cv2.setNumThreads(1)
    camera, light = recipe.camera, recipe.light
    times_s = frame_times(camera, recipe.duration_s, recipe.rng("camera"))
    poses = make_poses(recipe.motion, times_s, truth, recipe.rng("motion"))
    lights = make_lights(light, times_s, recipe.rng("light"))
    behind = make_background(recipe.scene.background, camera.width, camera.height, times_s, recipe.rng("background"))
    person = PersonLayer(recipe, faces.load(recipe.scene.person, recipe.scene.picture))
    sensor = Sensor(camera, recipe.rng("sensor"))
    ppg, slope = _sampled(truth, times_s)
    frame = np.empty((camera.height, camera.width, 3), np.float32)
    for index, time_s in enumerate(times_s):
        gain = (lights.gain[index] * camera.exposure).astype(np.float32)
        behind.draw(frame, index, gain, person.camera_shift(poses, index))
        person.draw(
            frame,
            person.pose(poses, index),
            gain * lights.screen[index],
            lights.direction[index],
            (ppg[index], slope[index]),
        )
        if light.flicker:
            frame *= _bands(light.flicker, light.flicker_bands, lights.flicker[index], camera.height)
        yield float(time_s), sensor.expose(frame)


def _sampled(truth: Truth, times_s: Series) -> tuple[Series, Series]:
    """The wave and its slope per second at the frames' times."""
    slope = np.gradient(truth.ppg, truth.times_s)
    return np.interp(times_s, truth.times_s, truth.ppg), np.interp(times_s, truth.times_s, slope)


def _bands(size: float, bands: float, phase: float, height: int) -> Floats:
    """The rolling shutter's picture of flicker: a factor for each row, float32 (H, 1, 1)."""
    rows = np.arange(height) / height
    return np.asarray(1 + size * np.sin(phase + 2 * np.pi * bands * rows), np.float32)[:, None, None]
