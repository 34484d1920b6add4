"""Small renders that the tests share."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from training.synthesis.camera import CameraSettings
from training.synthesis.codec import CodecSettings
from training.synthesis.faces import AstronautFace
from training.synthesis.light import LightSettings
from training.synthesis.motion import MotionSettings
from training.synthesis.pulse_wave import PulseSettings
from training.synthesis.recipe import Recipe, SceneSettings
from training.synthesis.render import Truth, render_frames

LONDON = Path(__file__).parents[3].parent / "shared" / "data" / "faces"
STEADY = PulseSettings(hr_bpm=84.0, rsa=0, drift=0, jitter=0, am_depth=0, baseline_depth=0, strength=0.02)


def plain_recipe(**changes: Any) -> Recipe:
    """Return a quiet recipe of 320x240 pixels; changes are its parts, or `duration_s`."""
    parts: dict[str, Any] = {
        "seed": 3,
        "duration_s": 5.0,
        "scene": SceneSettings("astronaut", face_height=0.5),
        "pulse": STEADY,
        "motion": MotionSettings("photograph", blink_hz=0),
        "light": LightSettings(shine=0.05),
        "camera": CameraSettings(width=320, height=240, fps=30, noise=1.0),
        "codec": CodecSettings(bits_per_pixel=0.3),
    }
    return Recipe(**{**parts, **changes})


def frames_of(recipe: Recipe, truth: Truth) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Render without coding: times (N,) and pictures (N, H, W, 3)."""
    times_s, pictures = zip(*render_frames(recipe, AstronautFace(), truth), strict=True)
    return np.array(times_s), np.stack(pictures)


def face_means(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean R, G, B of the middle of the face that plain_recipe draws, (N, 3)."""
    height, width = pictures.shape[1:3]
    rows, cols = slice(int(0.38 * height), int(0.58 * height)), slice(int(0.44 * width), int(0.56 * width))
    means: NDArray[np.float64] = pictures[:, rows, cols].mean((1, 2), dtype=np.float64)
    return means


def decoded(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the times (N,) and pictures (N, H, W, 3) of a video file."""
    with av.open(str(path)) as container:
        frames = [(float(frame.time or 0), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    times_s, pictures = zip(*frames, strict=True)
    return np.array(times_s), np.stack(pictures).astype(np.uint8)


def peak_bpm(values: NDArray[np.float64], fps: float) -> float:
    """Return the strongest rate between 40 and 240 bpm."""
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values)), 8192))
    bpm = np.fft.rfftfreq(8192, 1 / fps) * 60
    inside = (bpm > 40) & (bpm < 240)
    return float(bpm[inside][power[inside].argmax()])
