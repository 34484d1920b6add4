"""Command: score models on rendered videos of people that no training saw, through the service's own chain.

python -m training.evaluate --clips 200 --faces FOLDER --out runs/evaluate

Prints Markdown tables (all clips, and the error by group), writes them with a plot and one line per clip and model.
Scores that are there are not made again.
"""

import argparse
import os
import sys
from pathlib import Path

from service.pipeline.estimate import Estimator
from training.benchmark import DrawnSet, make_cases, mix_set
from training.datasets.splits import SPLITS
from training.plots import plot_errors
from training.report import accuracy_tables
from training.score_book import ScoreBook, score_takes
from training.scores import Score
from training.takes import CaseTakes


def report(scores: list[Score], spec: DrawnSet) -> str:
    """Return the tables as Markdown."""
    refused = sorted({score.name for score in scores if score.error_code})
    parts = [
        f"{len({score.name for score in scores})} rendered videos of {spec.duration_s:g} s, people of the split "
        f"`{spec.split}`; {len(refused)} refused by the service (no face found and the like) and left out.",
        *accuracy_tables(scores),
    ]
    return "\n\n".join(parts) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=sorted(SPLITS), default="test", help="whose faces")
    parser.add_argument("--clips", type=int, default=200, help="how many videos")
    parser.add_argument("--duration-s", type=float, default=30.0, help="seconds of each video")
    parser.add_argument("--faces", type=Path, help="folder of the London set; drawn faces without it")
    parser.add_argument("--videos", type=Path, default=Path("runs/benchmark"), help="where rendered videos are kept")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    parser.add_argument("--models", nargs="+", help="all of the store and the classical ones by default")
    parser.add_argument("--out", type=Path, default=Path("runs/evaluate"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when there is no answer to score."""
    args = _parser().parse_args(arguments)
    spec = mix_set(args.split, args.clips, args.duration_s)
    cases = make_cases(spec, args.videos, args.faces, jobs=args.jobs)
    cases = [case for case in cases if case.bpm is not None]
    models = args.models or list(Estimator(args.model_store).names)
    takes = CaseTakes(cases[0].video.parent.name if cases else spec.name, cases)
    book = ScoreBook(args.out / "scores.jsonl")
    scores = score_takes(takes, models, lambda _: args.model_store, book, jobs=args.jobs).scores
    if all(score.error_code for score in scores):
        print("the service refused every video", file=sys.stderr)
        return 2
    text = report(scores, spec)
    (args.out / "tables.md").write_text(text)
    plot_errors(scores, args.out / "errors.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
