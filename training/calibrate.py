"""Command: fit each model's confidence on rendered videos of people that neither training nor testing sees.

python -m training.calibrate --clips 336 --faces FOLDER [--write]

Prints the weights, and a table that tells a bad fit: each half of the people is judged by the fit to the other half.
--write puts the fits to everyone into the manifests of the released models. Those of the classical methods are
constants of service/pipeline/classical.py.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.pipeline.controls import Controls
from service.pipeline.errors import InputError
from service.pipeline.estimate import Estimator
from service.pipeline.manifest import CalibrationPart, read_manifest
from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.quality import fit_calibration
from service.pipeline.types import Calibration, Pulse
from training.benchmark import Case, make_cases, mix_set
from training.card import untested, write_card
from training.metrics import NEAR_BPM
from training.pool import spread
from training.tables import CONFIDENT, markdown

# All videos without a pulse together over all others: a confident number where there is none is the worst failure, and
# a fit to renders is too sure of real videos. 6 instead of 3 costs up to four of 100 answers their 0.5 (LOG.md).
PULSELESS_COUNTS = 6.0
_TRUSTING = Calibration(bias=40.0, weights={})  # so that the bpm does not depend on what is being fitted


@dataclass(frozen=True, slots=True)
class Observation:
    """One model's samples for one video, what they are checked against, and what it shows; see benchmark.Case."""

    person: str
    bpm: float | None
    pulse: Pulse
    controls: Controls

    def is_right(self, bpm: float) -> bool:
        """Return whether `bpm` is near the truth; nothing is right where there is no pulse."""
        return self.bpm is not None and abs(bpm - self.bpm) <= NEAR_BPM


def observe(estimator: Estimator, case: Case, models: Sequence[str]) -> dict[str, Observation]:
    """Return what each model sees in a video, by its name; {} if the service refuses the video."""
    try:
        found = estimator.observe(case.video, models)
    except InputError:
        return {}
    return {name: Observation(case.person, case.bpm, *seen) for name, seen in zip(models, found, strict=True)}


def fit(observations: Sequence[Observation]) -> Calibration:
    """Return the calibration of one model; a video without a pulse counts as wrong whatever is answered."""
    pulseless = sum(seen.bpm is None for seen in observations)
    importance = PULSELESS_COUNTS * max(len(observations) - pulseless, 1) / max(pulseless, 1)
    return fit_calibration(
        [quality_features(seen.pulse, controls=seen.controls) for seen in observations],
        [seen.is_right(heart_rate(seen.pulse, _TRUSTING).bpm) for seen in observations],
        [importance if seen.bpm is None else 1.0 for seen in observations],
    )


def held_out_row(observations: Sequence[Observation]) -> list[str]:
    """Return a row of the table, each half of the people judged by the fit to the other half.

    Videos; the share with confidence >= 0.8; of those the share within 5 bpm; the highest confidence without a pulse.
    """
    people = sorted({seen.person for seen in observations})
    halves = [[seen for seen in observations if seen.person in people[start::2]] for start in (0, 1)]
    if not all(halves):
        return [str(len(observations)), "-", "-", "-"]
    fits = [fit(other) for other in reversed(halves)]
    answers = [
        (seen, heart_rate(seen.pulse, fits[index], controls=seen.controls))
        for index, half in enumerate(halves)
        for seen in half
    ]
    sure = [seen.is_right(answer.bpm) for seen, answer in answers if answer.confidence >= CONFIDENT]
    pulseless = [answer.confidence for seen, answer in answers if seen.bpm is None]
    right = f"{sum(sure) / len(sure):.1%}" if sure else "-"
    worst = f"{max(pulseless):.2f}" if pulseless else "-"
    return [str(len(answers)), f"{len(sure) / len(answers):.0%}", right, worst]


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Put a calibration into manifest and card of a model folder; figures that another one gave go."""
    part, before = CalibrationPart(bias=calibration.bias, weights=calibration.weights), read_manifest(folder)
    if part == before.calibration:
        return
    manifest = before.model_copy(update={"calibration": part, "metrics": untested(before.metrics)})
    manifest.write(folder)
    write_card(folder, manifest)


def observe_all(
    cases: Sequence[Case], models: Sequence[str], model_store: Path, *, jobs: int = 1
) -> dict[str, list[Observation]]:
    """Return what each model sees in the videos that the service does not refuse."""
    seen: defaultdict[str, list[Observation]] = defaultdict(list)
    task = partial(observe, models=models)
    for found in spread(task, cases, make=partial(Estimator, model_store), jobs=jobs, unit="video"):
        for name, observation in found.items():
            seen[name].append(observation)
    return seen


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    args = _parser().parse_args(arguments)
    cases: list[Case] = []
    for duration_s in args.durations_s:
        spec = mix_set("calibration", args.clips // len(args.durations_s), duration_s)
        cases += make_cases(spec, args.videos, args.faces, jobs=args.jobs)
    estimator = Estimator(args.model_store)
    seen = observe_all(cases, args.models or estimator.names, args.model_store, jobs=args.jobs)
    for name, observations in seen.items():
        calibration = fit(observations)
        print(name, calibration)
        if args.write and name in estimator.store.versions:
            write_calibration(estimator.store.folder(name), calibration)
    header = [
        "model",
        "videos",
        f"confidence >= {CONFIDENT}",
        f"of those within {NEAR_BPM:g} bpm",
        "most without a pulse",
    ]
    print(markdown(header, [[name, *held_out_row(observations)] for name, observations in seen.items()]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=336, help="how many videos")
    parser.add_argument("--durations-s", type=float, nargs="+", default=[10.0, 30.0], help="half of the videos each")
    parser.add_argument("--faces", type=Path, help="folder of the London set; drawn faces without it")
    parser.add_argument("--videos", type=Path, default=Path("runs/benchmark"), help="where rendered videos are kept")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    parser.add_argument("--models", nargs="+", help="all of the store and the classical ones by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="write the fits into the manifests")
    return parser


if __name__ == "__main__":
    main()
