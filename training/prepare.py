"""Command: rendered videos -> cached clips, through the service's own decoder, face tracker and clip stage.

python -m training.prepare --out runs/clips/train --split train --clips 4000 --faces FOLDER

Each clip is a render of its own: many short ones teach more than a few long ones. A video is deleted as soon as its
crops are taken. `--skip N` leaves out the first N renders of the split, to add to a cache or to share the work.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from service.pipeline.errors import InputError
from service.pipeline.estimate import face_clips
from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import Bools, Clip, DecodeLimits, Floats, InputSpec
from training.clips import ClipWriter
from training.datasets.splits import SPLITS, people_of, seeds_of
from training.pool import spread
from training.synthesis.faces import FaceSource, face_source
from training.synthesis.recipe import Recipe, sample_recipe
from training.synthesis.render import Truth, render

FRAMES = 320  # of a clip: 10.7 s, what one window of the pulse stage sees
SPARE_S = 0.5  # the first frames may pass before the face is found


@dataclass(frozen=True, slots=True)
class PreparedClip:
    """One clip ready for the cache; see clips.TrainingClip for the arrays."""

    rgb: Floats
    ppg: Floats
    comparable: Bools
    meta: dict[str, Any]


def joined(clips: Iterator[Clip], frames: int | None = None) -> Clip:
    """Join the stretches of one face into one clip, of at most `frames` crops."""
    parts = list(clips)
    whole = parts[0]
    return Clip(
        np.concatenate([part.rgb for part in parts])[:frames],
        np.concatenate([part.comparable for part in parts])[:frames],
        whole.start_s,
        whole.fps,
    )


def ppg_at(truth: Truth, clip: Clip) -> Floats:
    """Return the true pulse wave at the times of the clip's crops, float32 (T,)."""
    times = clip.start_s + np.arange(len(clip.rgb)) / clip.fps
    return np.interp(times, truth.times_s, truth.ppg).astype(np.float32)


class Preparer:
    """Renders recipes and takes their crops as the service would."""

    def __init__(
        self, split: str, faces: FaceSource, model_store: Path, spec: InputSpec, *, frames: int = FRAMES
    ) -> None:
        self.frames = frames
        self.faces = faces
        self.people = people_of(split, faces.people)
        self._detector = FaceDetector(ModelStore(model_store).folder("face"))
        self._spec = spec

    def recipe(self, seed: int) -> Recipe:
        """Return the recipe of one seed: of the full mix, long enough for a clip."""
        return sample_recipe(seed, self.people, duration_s=self.frames / self._spec.fps + SPARE_S, compact=True)

    def prepare(self, recipe: Recipe) -> PreparedClip | None:
        """Return a recipe's clip, or None when the service cannot use the video (no face, too few frames)."""
        limits = replace(DecodeLimits(), min_duration_s=1.0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "render"
            truth = render(recipe, self.faces, path)
            try:
                clip = joined(face_clips(path, self._spec, self._detector, limits=limits), self.frames)
            except InputError:
                return None
        if len(clip.rgb) < self.frames:
            return None
        meta = {
            "seed": recipe.seed,
            "bpm": truth.bpm,
            "person": recipe.scene.person,
            "fps": clip.fps,
            "recipe": recipe.to_json(),
        }
        return PreparedClip(clip.rgb, ppg_at(truth, clip), clip.comparable, meta)


def _preparer(split: str, faces: Path | None, model_store: Path, frames: int) -> Preparer:
    return Preparer(split, face_source(faces), model_store, InputSpec(), frames=frames)


def _prepare(preparer: Preparer, seed: int) -> PreparedClip | None:
    return preparer.prepare(preparer.recipe(seed))


def prepare_all(args: argparse.Namespace) -> int:
    """Fill the cache; return how many clips were added."""
    seeds = seeds_of(args.split, args.clips, skip=args.skip)
    make = partial(_preparer, args.split, args.faces, args.model_store, args.frames)
    added = 0
    with ClipWriter(args.out, tag=f"{args.split}{args.skip}") as writer:
        for clip in spread(_prepare, seeds, make=make, jobs=args.jobs, unit="clip"):
            if clip is not None:
                writer.add(clip.rgb, clip.ppg, clip.comparable, clip.meta)
                added += 1
    return added


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the cache")
    parser.add_argument("--split", choices=sorted(SPLITS), default="train", help="whose faces")
    parser.add_argument("--faces", type=Path, help="folder of the London set; drawn faces without it")
    parser.add_argument("--clips", type=int, default=4000, help="how many to render")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first seeds of the split, to add to a cache")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each clip, the same in a whole cache")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    args = parser.parse_args(arguments)
    added = prepare_all(args)
    print(f"{added} clips of {args.clips} renders added to {args.out}")


if __name__ == "__main__":
    main()
