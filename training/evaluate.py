"""Command: score models on rendered videos of people that no training saw, through the service's own chain.

python -m training.evaluate --clips 200 --faces FOLDER --out runs/evaluate

Prints Markdown tables (all clips, and the error by group), writes them with a plot and one line per clip and model.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from service.pipeline.errors import InputError
from service.pipeline.estimate import Estimator
from training.benchmark import BenchmarkSpec, Case, make_cases
from training.datasets.splits import SPLITS
from training.plots import plot_errors
from training.pool import spread
from training.scores import Score
from training.tables import coverage_table, group_table, overall_table


def score_case(estimator: Estimator, case: Case, models: Sequence[str]) -> list[Score]:
    """Return each model's answer for one video."""
    assert case.bpm is not None, "only videos with a pulse are scored"
    try:
        estimates = estimator.compare(case.video, models)
    except InputError as error:
        refused = 0.0, 0.0, 0.0, "refused", error.code
        return [Score(model, case.seed, case.groups, case.bpm, *refused) for model in models]
    rates = [estimate.faces[0].heart_rate for estimate in estimates]
    answers = [(rate.bpm, rate.confidence, rate.snr_db, rate.status) for rate in rates]
    return [
        Score(model, case.seed, case.groups, case.bpm, *answer) for model, answer in zip(models, answers, strict=True)
    ]


def score_cases(cases: Sequence[Case], models: Sequence[str], model_store: Path, *, jobs: int = 1) -> list[Score]:
    """Return the answers of all models for all videos, by video."""
    task = partial(score_case, models=models)
    answers = spread(task, cases, make=partial(Estimator, model_store), jobs=jobs, unit="video")
    return [score for some in answers for score in some]


def report(scores: list[Score], spec: BenchmarkSpec) -> str:
    """Return the tables as Markdown."""
    refused = sorted({score.seed for score in scores if score.error_code})
    parts = [
        f"{len({score.seed for score in scores})} rendered videos of {spec.duration_s:g} s, people of the split "
        f"`{spec.split}`; {len(refused)} refused by the service (no face found and the like) and left out.",
        overall_table(scores),
        coverage_table(scores),
        *(group_table(scores, name) for name in scores[0].groups),
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
    spec = BenchmarkSpec(args.split, args.clips, args.duration_s)
    cases = make_cases(spec, args.videos, args.faces, jobs=args.jobs)
    cases = [case for case in cases if case.bpm is not None]
    models = args.models or list(Estimator(args.model_store).names)
    scores = score_cases(cases, models, args.model_store, jobs=args.jobs)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "scores.jsonl").write_text("".join(json.dumps(asdict(score)) + "\n" for score in scores))
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
