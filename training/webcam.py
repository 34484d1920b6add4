"""Rendered videos as webcams make them: what most people will send, and what public data sets hold.

The full mix is hard on purpose, and a mean over it says little to somebody who sits still before a laptop. Here people
are still, sway or talk, in enough light without flicker, at 48 to 110 bpm: half as 20 fps MPEG-4 at about 250 kb/s
(COHFACE's format), half as 30 fps H.264 at 0.5 to 2.8 Mb/s, 640 x 480. `webcam`, of 12 s each, and `webcam-minute`, as
long as the recordings of public data sets, show people of the split `test`; the same with `-calibration` those by whom
constants may be chosen. `webcam-minute-strong` is `webcam-minute` with twice the pulse: what a weak one costs.
Drawn from today's mix: a later one draws others.

`webcam_clip` draws what networks learn from: the same kind of video with wider ranges on all sides.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.benchmark import DrawnSet
from training.synthesis.recipe import Recipe, sample_recipe

_FIRST_SEED, _FIRST_MINUTE_SEED = 3_000_000, 3_500_000  # of its split's
_HR_BPM = (48.0, 110.0)
_KINDS = ("still", "still", "sway", "talking")
_COMPRESSED_GOP, _GOP = 12, 250
_STRONG = 2.0  # times the pulse


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a webcam's user keeps to: motion at most, pulse and exposure at least, noise at most."""

    motion: float
    pulse: float
    exposure: float
    noise: float


_SET_LIMITS = _Limits(motion=0.5, pulse=0.006, exposure=0.5, noise=3.0)
_CLIP_LIMITS = _Limits(motion=0.6, pulse=0.004, exposure=0.4, noise=4.0)


def webcam_case(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe to measure on: one of the full mix without what a webcam's user avoids; even seeds are MPEG-4."""
    rng, compressed = random.Random(seed), seed % 2 == 0
    mixed = sample_recipe(seed, people, duration_s=duration_s, hr_range_bpm=_HR_BPM)
    calm = _calm(
        mixed,
        _SET_LIMITS,
        kind=rng.choice(_KINDS),
        fps=20.0 if compressed else 30.0,
        compressed=compressed,
        bits_per_pixel=rng.uniform(0.035, 0.06) if compressed else rng.uniform(0.05, 0.3),
        gop=_COMPRESSED_GOP if compressed else _GOP,
    )
    face_height = rng.uniform(0.3, 0.55)
    return replace(
        calm,
        scene=replace(calm.scene, face_height=face_height, centre_x=0.5, centre_y=0.5, melanin=0.0),
        camera=replace(calm.camera, width=640, height=480),
    )


def strong_case(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw the recipe of webcam_case with twice the pulse, and nothing else changed."""
    recipe = webcam_case(seed, people, duration_s)
    return replace(recipe, pulse=replace(recipe.pulse, strength=_STRONG * recipe.pulse.strength))


def webcam_clip(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe to learn from; the same seed and people give the same one.

    Two of three are MPEG-4, whose low rates the networks know least of. Hearts have the rates of the mix, though few of
    such people's do: slower ones alone taught a network to guess slow rates of whatever it did not see (LOG.md). Half
    of the people keep the skin of their photograph, half are drawn as in the mix, which darkens four of ten.
    """
    rng, compressed = random.Random(seed), seed % 3 != 0
    mixed = sample_recipe(seed, people, duration_s=duration_s, compact=True)
    calm = _calm(
        mixed,
        _CLIP_LIMITS,
        kind=rng.choice(_KINDS),
        fps=rng.choice([15.0, 20.0, 20.0, 25.0] if compressed else [24.0, 25.0, 30.0, 30.0]),
        compressed=compressed,
        bits_per_pixel=rng.uniform(0.03, 0.09) if compressed else rng.uniform(0.04, 0.3),
        gop=rng.choice([_COMPRESSED_GOP, _COMPRESSED_GOP, 60, _GOP]) if compressed else _GOP,
    )
    darker = rng.random() < 0.5
    return calm if darker else replace(calm, scene=replace(calm.scene, melanin=0.0))


WEBCAM_SETS = {
    drawn.name: drawn
    for drawn in (
        DrawnSet("webcam", "test", 80, 12.0, webcam_case, _FIRST_SEED),
        DrawnSet("webcam-calibration", "calibration", 320, 12.0, webcam_case, _FIRST_SEED),
        DrawnSet("webcam-minute", "test", 40, 60.0, webcam_case, _FIRST_MINUTE_SEED),
        DrawnSet("webcam-minute-strong", "test", 40, 60.0, strong_case, _FIRST_MINUTE_SEED),
        DrawnSet("webcam-minute-strong-calibration", "calibration", 80, 60.0, strong_case, _FIRST_MINUTE_SEED),
        DrawnSet("webcam-minute-calibration", "calibration", 80, 60.0, webcam_case, _FIRST_MINUTE_SEED),
    )
}


def _calm(
    mixed: Recipe, limits: _Limits, *, kind: str, fps: float, compressed: bool, bits_per_pixel: float, gop: int
) -> Recipe:
    """Return the recipe without what a webcam's user avoids, as MPEG-4 (compressed) or H.264 of a steady rate."""
    return replace(
        mixed,
        pulse=replace(mixed.pulse, strength=max(mixed.pulse.strength, limits.pulse), fringe=0.0),
        motion=replace(mixed.motion, kind=kind, strength=min(mixed.motion.strength, limits.motion), handheld=0.0),
        light=replace(mixed.light, flicker=0.0, steps=0, screen=0.0, balance_steps=0),
        camera=replace(
            mixed.camera,
            fps=fps,
            exposure=max(mixed.camera.exposure, limits.exposure),
            jitter=0.0,
            dropped=0.0,
            noise=min(mixed.camera.noise, limits.noise),
            stain=0.0,
        ),
        codec=replace(
            mixed.codec,
            name="mpeg4" if compressed else "h264",
            container="avi" if compressed else "mp4",
            bits_per_pixel=bits_per_pixel,
            gop=gop,
            b_frames=0,
        ),
    )
