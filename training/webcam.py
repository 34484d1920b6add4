"""Rendered videos as webcams make them: what most people will send, and what public data sets hold.

The full mix is hard on purpose, and a mean over it says little to somebody who sits still before a laptop. Here people
are still, sway or talk, in enough light without flicker, at 48 to 110 bpm: half as 20 fps MPEG-4 at about 250 kb/s
(COHFACE's format), half as 30 fps H.264 at 0.5 to 2.8 Mb/s, 12 s of 640 x 480 each. `webcam` shows people of the split
`test`; `webcam-calibration` those by whom constants may be chosen. Drawn from today's mix: a later one draws others.
"""

import random
from dataclasses import dataclass, replace

from training.benchmark import BenchmarkSpec
from training.datasets.splits import people_of, seeds_of
from training.synthesis.faces import FaceSource
from training.synthesis.recipe import Recipe, sample_recipe

_FIRST_SEED = 3_000_000  # of its split's
_DURATION_S = 12.0
_HR_BPM = (48.0, 110.0)


@dataclass(frozen=True, slots=True)
class WebcamSpec:
    """A set by its name and the split of its people. A benchmark.CaseSet."""

    name: str
    split: str
    count: int

    @property
    def seeds(self) -> range:
        """One per video; the even ones are MPEG-4."""
        return seeds_of(self.split, self.count, skip=_FIRST_SEED)

    def recipe(self, seed: int, faces: FaceSource) -> Recipe:
        """Return the recipe of one case: one of the full mix without what a webcam's user avoids."""
        rng, compressed = random.Random(seed), seed % 2 == 0
        people = people_of(self.split, faces.people)
        mixed = sample_recipe(seed, people, duration_s=_DURATION_S, hr_range_bpm=_HR_BPM)
        kind = rng.choice(["still", "still", "sway", "talking"])
        bits = rng.uniform(0.035, 0.06) if compressed else rng.uniform(0.05, 0.3)
        camera = replace(
            mixed.camera,
            width=640,
            height=480,
            fps=20.0 if compressed else 30.0,
            exposure=max(mixed.camera.exposure, 0.5),
            jitter=0.0,
            dropped=0.0,
            noise=min(mixed.camera.noise, 3.0),
            stain=0.0,
        )
        codec = replace(
            mixed.codec,
            name="mpeg4" if compressed else "h264",
            container="avi" if compressed else "mp4",
            bits_per_pixel=bits,
            gop=12 if compressed else 250,
            b_frames=0,
        )
        scene = replace(mixed.scene, face_height=rng.uniform(0.3, 0.55), centre_x=0.5, centre_y=0.5, melanin=0.0)
        return replace(
            mixed,
            scene=scene,
            pulse=replace(mixed.pulse, strength=max(mixed.pulse.strength, 0.006), fringe=0.0),
            motion=replace(mixed.motion, kind=kind, strength=min(mixed.motion.strength, 0.5), handheld=0.0),
            light=replace(mixed.light, flicker=0.0, steps=0, screen=0.0, balance_steps=0),
            camera=camera,
            codec=codec,
        )

    def groups(self, recipe: Recipe, faces: FaceSource) -> dict[str, str]:
        """Return by what a case's error is broken down."""
        return BenchmarkSpec(self.split, self.count, _DURATION_S).groups(recipe, faces)

    def outdated(self, recipe: Recipe) -> bool:
        """Return False: what was drawn from an earlier mix stays."""
        del recipe
        return False


WEBCAM_SETS = {
    spec.name: spec for spec in (WebcamSpec("webcam", "test", 80), WebcamSpec("webcam-calibration", "calibration", 320))
}
