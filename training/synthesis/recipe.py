"""The recipe of a clip: everything needed to make it again, and the mix from which recipes are drawn."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from training.synthesis.background import BACKGROUNDS
from training.synthesis.camera import CameraSettings
from training.synthesis.codec import CodecSettings
from training.synthesis.light import LightSettings
from training.synthesis.motion import MotionSettings
from training.synthesis.pulse_wave import PulseSettings, real_beats


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """Who is where.

    face_height, centre_x, centre_y: hairline to chin and the face's centre, relative to the picture's height,
    width, height. melanin: optical density added to the skin (negative: lighter). clothes: factors on the R, G, B
    of what is worn. picture: `neutral` or `smiling`.
    """

    person: str
    picture: str = "neutral"
    mirrored: bool = False
    face_height: float = 0.45
    centre_x: float = 0.5
    centre_y: float = 0.45
    melanin: float = 0.0
    clothes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    background: str = "wall"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One clip. The same recipe and faces give the same frames and the same truth."""

    seed: int
    duration_s: float
    scene: SceneSettings
    pulse: PulseSettings
    motion: MotionSettings = field(default_factory=MotionSettings)
    light: LightSettings = field(default_factory=LightSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)
    codec: CodecSettings = field(default_factory=CodecSettings)

    def rng(self, part: str) -> np.random.Generator:
        """Return the part's own random numbers, so that changing one part leaves the others as they were."""
        return np.random.default_rng([self.seed, *part.encode()])

    def to_json(self) -> str:
        """Return the recipe as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Rebuild what to_json wrote."""
        values = json.loads(text)
        values |= {name: kind(**_tuples(values[name])) for name, kind in _PARTS.items()}
        return cls(**values)


_PARTS: dict[str, Any] = {
    "scene": SceneSettings,
    "pulse": PulseSettings,
    "motion": MotionSettings,
    "light": LightSettings,
    "camera": CameraSettings,
    "codec": CodecSettings,
}
# The faster a heart, the steadier it is. At rest 5 % over five minutes are usual (Nunan et al. 2010), the fingertips of
# LOG.md had 7 over half of one; how it falls towards 2 % at 140 bpm is our choice.
_RESTING_BPM, _SWING_FALL = 75.0, 1.5
_MOTION_SHARES = {
    "still": 0.27, "sway": 0.23, "rhythmic": 0.13, "talking": 0.15, "ballistic": 0.07, "turning": 0.15,
}  # fmt: skip
_CODEC_SHARES = {
    ("h264", "mp4"): 0.42, ("h264", "mkv"): 0.1, ("mpeg4", "avi"): 0.14, ("mpeg4", "mp4"): 0.06,
    ("vp8", "webm"): 0.12, ("vp9", "webm"): 0.08, ("mjpeg", "avi"): 0.08,
}  # fmt: skip
_COMPACT_SHARES = {(352, 288): 0.5, (320, 240): 0.2, (640, 480): 0.14, (288, 352): 0.06, (480, 360): 0.1}
_SIZE_SHARES = {(640, 480): 0.72, (320, 240): 0.1, (640, 360): 0.06, (480, 640): 0.06, (1280, 720): 0.06}


Draw = Callable[[int, Sequence[str], float], Recipe]
"""What recipe a seed becomes: (seed, people, seconds); the same ones give the same recipe."""


def sample_recipe(
    seed: int,
    people: Sequence[str],
    *,
    duration_s: float,
    hr_range_bpm: tuple[float, float] = (40.0, 180.0),
    compact: bool = False,
) -> Recipe:
    """Draw a recipe from the full mix; the same seed and people give the same one.

    compact: small pictures which the face fills more of. The face has as many pixels, its bits per pixel are the same,
    and a clip costs a third: for training.
    """
    rng = np.random.default_rng([seed, 1])
    pulse = _sample_pulse(rng, hr_range_bpm)
    camera = _sample_camera(rng, _COMPACT_SHARES if compact else _SIZE_SHARES)
    codec = _sample_codec(rng, camera.fps)
    if codec.container == "avi":
        camera = CameraSettings(**{**asdict(camera), "jitter": 0.0, "dropped": 0.0})
    return Recipe(
        seed=seed,
        duration_s=duration_s,
        scene=_sample_scene(rng, people, camera),
        pulse=pulse,
        motion=_sample_motion(rng, pulse.hr_bpm),
        light=_sample_light(rng, camera.fps),
        camera=camera,
        codec=codec,
    )


def _sample_pulse(rng: np.random.Generator, hr_range_bpm: tuple[float, float]) -> PulseSettings:
    kind = _pick(rng, {"gaussian": 0.3, "harmonic": 0.25, "real": 0.45})
    shape = str(rng.choice(sorted(real_beats()))) if kind == "real" else kind
    hr_bpm = float(rng.uniform(*hr_range_bpm))
    swing = min((_RESTING_BPM / hr_bpm) ** _SWING_FALL, 1.0)
    return PulseSettings(
        hr_bpm=hr_bpm,
        rsa=swing * _maybe(rng, 0.8, 0.02, 0.2),
        breath_hz=float(rng.uniform(0.1, 0.4)),
        drift=swing * _maybe(rng, 0.8, 0.02, 0.1),
        jitter=swing * float(rng.uniform(0.0, 0.025)),
        shape=shape,
        notch=float(rng.uniform(0.05, 0.7) if shape == "gaussian" else rng.uniform(0, 1) ** 1.5),
        notch_phase=float(rng.uniform(0.25, 0.42) if shape == "gaussian" else rng.uniform(0, 1)),
        strength=_log_uniform(rng, 0.004, 0.025),
        am_depth=_maybe(rng, 0.7, 0.02, 0.3),
        baseline_depth=_maybe(rng, 0.7, 0.02, 0.5),
        delay_s=_maybe(rng, 0.5, 0.002, 0.02),
        beard=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.2 else 0.0,
        fringe=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.15 else 0.0,
    )


def _sample_camera(rng: np.random.Generator, shares: dict[tuple[int, int], float]) -> CameraSettings:
    sizes = list(shares)
    width, height = sizes[int(rng.choice(len(sizes), p=list(shares.values())))]
    common = float(rng.choice([15, 20, 20, 20, 24, 25, 25, 25, 30, 30, 30, 30, 30, 50, 60]))
    fps = common if rng.random() < 0.7 else round(float(rng.uniform(15, 35)), 2)
    return CameraSettings(
        width=width,
        height=height,
        fps=fps,
        jitter=_maybe(rng, 0.5, 0.01, 0.25),
        dropped=_maybe(rng, 0.25, 0.005, 0.08),
        gamma=float(rng.uniform(1.8, 2.4)),
        exposure=float(np.clip(np.exp(rng.normal(-0.25, 0.42)), 0.12, 1.35)),
        noise=_log_uniform(rng, 0.5, 6.0),
        grain=float(rng.uniform(0, 1)),
        blur_px=float(rng.uniform(0.3, 1.5)),
        smoothing=_maybe(rng, 0.25, 0.1, 0.6),
        noise_colour=(_log_uniform(rng, 0.8, 1.4), 1.0, _log_uniform(rng, 1.0, 2.6)),
        stain=_maybe(rng, 0.35, 0.1, 1.6),
        stain_hz=_log_uniform(rng, 0.3, 4.0),
        saturation=float(rng.uniform(0.85, 1.6)),
    )


def _sample_codec(rng: np.random.Generator, fps: float) -> CodecSettings:
    kinds = list(_CODEC_SHARES)
    name, container = kinds[int(rng.choice(len(kinds), p=list(_CODEC_SHARES.values())))]
    # Motion JPEG codes every frame alone and cannot go as low as the others.
    bits = _log_uniform(rng, 0.4, 1.6) if name == "mjpeg" else _log_uniform(rng, 0.02, 0.4)
    preset = _pick(rng, {"ultrafast": 0.7, "superfast": 0.2, "veryfast": 0.1})
    b_frames = 3 if name == "h264" and preset != "ultrafast" and rng.random() < 0.6 else 0
    return CodecSettings(name, container, bits, _sample_gop(rng, name, fps), preset, b_frames)


def _sample_gop(rng: np.random.Generator, name: str, fps: float) -> int:
    """Encoders' own defaults, whole seconds, or anything; a key frame every second looks like a pulse of 60 bpm."""
    own = {"h264": 250, "mpeg4": 12}.get(name, 128)
    way = rng.random()
    if way < 0.35:
        return own
    return max(round(fps * int(rng.integers(1, 5))), 1) if way < 0.55 else round(_log_uniform(rng, 8, 250))


def _sample_scene(rng: np.random.Generator, people: Sequence[str], camera: CameraSettings) -> SceneSettings:
    # 100 to 330 pixels of a 640 x 480 picture's height, never wider than the picture.
    low = 0.21 if camera.height >= 480 else 0.36 if camera.width > 300 else 0.4
    face_height = _log_uniform(rng, low, 0.69) * min(camera.width * 0.75, camera.height) / camera.height
    room = max(0.5 - 0.5 * face_height * camera.height / camera.width - 0.08, 0.0)
    return SceneSettings(
        person=str(people[int(rng.integers(len(people)))]),
        picture=_pick(rng, {"neutral": 0.6, "smiling": 0.4}),
        mirrored=bool(rng.random() < 0.5),
        face_height=face_height,
        centre_x=float(0.5 + np.clip(rng.normal(0, 0.1), -room, room)),
        centre_y=float(np.clip(rng.normal(0.46, 0.06), 0.1 + 0.5 * face_height, 0.95 - 0.5 * face_height)),
        melanin=float(rng.choice([0.0, rng.uniform(-0.1, 0.2), rng.uniform(0.2, 0.6)], p=[0.45, 0.35, 0.2])),
        clothes=_colour(rng.uniform(0.1, 1.0) * rng.uniform(0.6, 1.0, 3)),
        background=_pick(rng, dict(zip(BACKGROUNDS, (0.3, 0.3, 0.15, 0.12, 0.13), strict=True))),
    )


def _sample_motion(rng: np.random.Generator, hr_bpm: float) -> MotionSettings:
    kind = _pick(rng, _MOTION_SHARES)
    rate_hz = float(rng.uniform(2.0, 5.0) if kind == "talking" else rng.uniform(0.2, 3.0))
    if kind == "rhythmic" and abs(rate_hz - hr_bpm / 60) < 0.2:
        rate_hz += 0.4  # a nod at the pulse's own rate could not be told from it
    return MotionSettings(
        kind=kind,
        strength=_log_uniform(rng, 0.08, 1.0) * (2.0 if rng.random() < 0.12 else 1.0),
        rate_hz=rate_hz,
        blink_hz=float(rng.uniform(0.05, 0.5)),
        handheld=_maybe(rng, 0.2, 0.1, 1.0),
    )


def _sample_light(rng: np.random.Generator, fps: float) -> LightSettings:
    warmth = rng.normal(0.05, 0.14)  # from a grey sky to a bulb: red over blue of 0.8 to 1.6
    return LightSettings(
        # Between green and magenta: all real faces measured had less green than most of the first renders.
        colour=_colour(np.exp(np.array([warmth, rng.normal(-0.04, 0.05), -warmth]) + rng.normal(0, 0.02, 3))),
        azimuth=float(rng.uniform(-1.2, 1.2)),
        elevation=float(rng.uniform(-0.2, 0.9)),
        ambient=float(rng.uniform(0.3, 0.95)),
        sway=_maybe(rng, 0.15, 0.01, 0.12),
        shine=_log_uniform(rng, 0.01, 0.15),
        shininess=_log_uniform(rng, 4, 40),
        drift=_maybe(rng, 0.6, 0.001, 0.02),
        flicker=_maybe(rng, 0.25, 0.0005, 0.01),
        flicker_hz=float(rng.uniform(0.1, fps / 2)),
        flicker_bands=_maybe(rng, 0.5, 0.5, 3.0),
        steps=int(rng.integers(1, 4)) if rng.random() < 0.12 else 0,
        step=_log_uniform(rng, 0.005, 0.06),
        screen=_maybe(rng, 0.12, 0.002, 0.03),
        balance_drift=_maybe(rng, 0.45, 0.0005, 0.012),
        balance_steps=int(rng.integers(1, 4)) if rng.random() < 0.1 else 0,
        exposure_gain=_maybe(rng, 0.5, 0.2, 0.95),
        exposure_lag_s=float(rng.uniform(0.2, 1.5)),
    )


def _maybe(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """A log-uniform value with this chance, else 0."""
    return _log_uniform(rng, low, high) if rng.random() < chance else 0.0


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def _colour(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
