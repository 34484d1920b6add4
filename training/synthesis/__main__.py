"""Command: render clips, the demo clip, or the table of real beats. `python -m training.synthesis --help`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from training.synthesis.demo import write_demo
from training.synthesis.faces import AstronautFace, FaceSource, face_source
from training.synthesis.finger_beats import write_beat_shapes
from training.synthesis.recipe import sample_recipe
from training.synthesis.render import render

_log = logging.getLogger("training.synthesis")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _parser().parse_args(arguments)
    options.run(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.synthesis", description="Render faces with a known pulse."
    )
    commands = parser.add_subparsers(required=True)
    clips = commands.add_parser("clips", help="videos of the full mix, each with its truth (.csv) and recipe (.json)")
    clips.add_argument("--out", type=Path, required=True, help="folder for the clips")
    clips.add_argument("--faces", type=Path, help="folder of the London faces; drawn faces without it")
    clips.add_argument("--astronaut", action="store_true", help="NASA's astronaut instead of drawn faces")
    clips.add_argument("--count", type=int, default=10, help="how many")
    clips.add_argument("--seconds", type=float, default=15.0, help="how long each")
    clips.add_argument("--seed", type=int, default=0, help="of the first clip; the next ones count on")
    clips.set_defaults(run=_clips)
    demo = commands.add_parser("demo", help="the clip that comes with the project")
    demo.add_argument("--out", type=Path, required=True, help="folder for astronaut.mp4 and astronaut.csv")
    demo.set_defaults(run=_demo)
    beats = commands.add_parser("beats", help="beat_shapes.json from the Welltory recordings")
    beats.add_argument("--folder", type=Path, required=True, help="folder with subject_01 and so on")
    beats.add_argument("--out", type=Path, default=Path(__file__).with_name("beat_shapes.json"), help="the table")
    beats.set_defaults(run=_beats)
    return parser


def _clips(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    faces: FaceSource = AstronautFace() if options.astronaut else face_source(options.faces)
    for seed in tqdm(range(options.seed, options.seed + options.count), unit="clip", disable=not sys.stderr.isatty()):
        recipe = sample_recipe(seed, faces.people, duration_s=options.seconds)
        base = options.out / f"clip_{seed:06d}"
        truth = render(recipe, faces, base.with_suffix("." + recipe.codec.container))
        truth.write_csv(base.with_suffix(".csv"))
        base.with_suffix(".json").write_text(recipe.to_json())
    _log.info("%d clips in %s", options.count, options.out)


def _demo(options: argparse.Namespace) -> None:
    truth = write_demo(options.out)
    _log.info("astronaut.mp4 and astronaut.csv, %.1f bpm, in %s", truth.bpm, options.out)


def _beats(options: argparse.Namespace) -> None:
    _log.info("%d beats in %s", write_beat_shapes(options.folder, options.out), options.out)


if __name__ == "__main__":
    sys.exit(main())
