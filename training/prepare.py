"""Command: videos with a known pulse -> cached clips, through the service's own decoder, face tracker and clip stage.

python -m training.prepare --out runs/clips/train --split train --clips 4000 --faces FOLDER
python -m training.prepare --out runs/clips/ubfc --dataset ubfc-rppg --root FOLDER

Without --dataset the videos are rendered. Each clip is a render of its own: many short ones teach more than a few long
ones. A video is deleted as soon as its crops are taken. `--skip N` leaves out the first N renders of the split, to add
to a cache or to share the work; `--kind webcam` draws people who sit still before a webcam (webcam.py) instead of the
full mix. Recordings are cut into stretches of --frames that follow one another (recorded.py).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from service.pipeline.decode import VideoReader
from service.pipeline.errors import InputError
from service.pipeline.estimate import face_clips
from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import DecodeLimits, InputSpec
from training.clips import ClipWriter, TrainingClip
from training.datasets.catalogue import DATASETS
from training.datasets.errors import DatasetInvalid
from training.datasets.recording import Trace
from training.datasets.splits import SPLITS, people_of, seeds_of
from training.pool import spread
from training.recorded import Cutter, prepare_recordings
from training.synthesis.faces import FaceSource, face_source
from training.synthesis.recipe import Draw, Recipe, sample_recipe
from training.synthesis.render import render
from training.webcam import webcam_clip

FRAMES = 320  # of a clip: 10.7 s, what one window of the pulse stage sees
SPARE_S = 0.5  # the first frames may pass before the face is found


def mix_clip(seed: int, people: Sequence[str], duration_s: float) -> Recipe:
    """Draw a recipe of the full mix; the same seed and people give the same one."""
    return sample_recipe(seed, people, duration_s=duration_s, compact=True)


DRAWS: dict[str, Draw] = {"mix": mix_clip, "webcam": webcam_clip}
"""What to learn from, by --kind."""


class Preparer:
    """Renders recipes and takes their crops as the service would."""

    def __init__(
        self,
        split: str,
        faces: FaceSource,
        model_store: Path,
        spec: InputSpec,
        *,
        frames: int = FRAMES,
        kind: str = "mix",
    ) -> None:
        self.frames = frames
        self._draw = DRAWS[kind]
        self.faces = faces
        self.people = people_of(split, faces.people)
        self._detector = FaceDetector(ModelStore(model_store).folder("face"))
        self._spec = spec

    def recipe(self, seed: int) -> Recipe:
        """Return the recipe of one seed, long enough for a clip."""
        return self._draw(seed, self.people, self.frames / self._spec.fps + SPARE_S)

    def prepare(self, recipe: Recipe) -> TrainingClip | None:
        """Return a recipe's clip, or None when the service cannot use the video (no face, too few frames)."""
        limits = replace(DecodeLimits(), min_duration_s=1.0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "render"
            truth = render(recipe, self.faces, path)
            try:
                source = VideoReader(path, limits)
                clip, *_ = face_clips(source, self._spec, self._detector, chunk=self.frames)
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
        return TrainingClip(clip.rgb, Trace(truth.times_s, truth.ppg).at(clip), clip.comparable, meta)


def _preparer(split: str, faces: Path | None, model_store: Path, frames: int, kind: str) -> Preparer:
    return Preparer(split, face_source(faces), model_store, InputSpec(), frames=frames, kind=kind)


def _prepare(preparer: Preparer, seed: int) -> TrainingClip | None:
    return preparer.prepare(preparer.recipe(seed))


def prepare_all(args: argparse.Namespace) -> int:
    """Fill the cache with renders; return how many clips were added."""
    seeds = seeds_of(args.split, args.clips, skip=args.skip)
    make = partial(_preparer, args.split, args.faces, args.model_store, args.frames, args.kind)
    added = 0
    with ClipWriter(args.out, tag=f"{args.split}_{args.kind}{args.skip}") as writer:
        for clip in spread(_prepare, seeds, make=make, jobs=args.jobs, unit="clip"):
            if clip is not None:
                writer.add(clip.rgb, clip.ppg, clip.comparable, clip.meta)
                added += 1
    return added


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the cache")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each clip, the same in a whole cache")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    recorded = parser.add_argument_group("recordings")
    recorded.add_argument("--dataset", choices=sorted(DATASETS), help="which; rendered on the spot without it")
    recorded.add_argument("--root", type=Path, help="the folder that holds it")
    rendered = parser.add_argument_group("renders")
    rendered.add_argument("--split", choices=sorted(SPLITS), default="train", help="whose faces")
    rendered.add_argument("--kind", choices=sorted(DRAWS), default="mix", help="of videos")
    rendered.add_argument("--faces", type=Path, help="folder of the London set; drawn faces without it")
    rendered.add_argument("--clips", type=int, default=4000, help="how many to render")
    rendered.add_argument("--skip", type=int, default=0, help="leave out the first seeds of the split")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the folder of a data set cannot be used."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if (args.dataset is None) != (args.root is None):
        parser.error("--dataset and --root go together")
    if args.dataset is None:
        print(f"{prepare_all(args)} clips of {args.clips} renders added to {args.out}")
        return 0
    cutter = partial(Cutter, args.model_store, InputSpec(), args.frames)
    try:
        folder = DATASETS[args.dataset](args.root)
        count, left_out = prepare_recordings(folder, args.out, make=cutter, jobs=args.jobs)
    except DatasetInvalid as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{count} clips of {len(folder)} recordings added to {args.out}")
    for reason, times in sorted(left_out.items()):
        print(f"left out, {times} times: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
