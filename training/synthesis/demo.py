"""The clip that comes with the project: NASA's astronaut, 15 s at 72 bpm."""

from pathlib import Path

from training.synthesis.camera import CameraSettings
from training.synthesis.codec import CodecSettings
from training.synthesis.faces import AstronautFace
from training.synthesis.light import LightSettings
from training.synthesis.motion import MotionSettings
from training.synthesis.pulse_wave import PulseSettings
from training.synthesis.recipe import Recipe, SceneSettings
from training.synthesis.render import Truth, render

DEMO = Recipe(
    seed=72,
    duration_s=15.0,
    scene=SceneSettings("astronaut", face_height=0.42, centre_x=0.5, centre_y=0.42, background="wall"),
    pulse=PulseSettings(
        hr_bpm=72.0, rsa=0.03, breath_hz=0.22, drift=0.01, jitter=0.008, shape="finger_11", strength=0.02
    ),
    motion=MotionSettings("sway", strength=0.12, blink_hz=0.25),
    light=LightSettings(ambient=0.75, azimuth=-0.4, shine=0.04, drift=0.003),
    camera=CameraSettings(width=640, height=480, fps=30.0, jitter=0.03, noise=1.6, exposure=0.92),
    codec=CodecSettings("h264", "mp4", bits_per_pixel=0.08, gop=60, preset="veryfast"),
)


def write_demo(folder: Path) -> Truth:
    """Write astronaut.mp4 and its true pulse, astronaut.csv, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = render(DEMO, AstronautFace(), folder / "astronaut.mp4")
    truth.write_csv(folder / "astronaut.csv")
    return truth
