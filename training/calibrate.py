"""Command: fit each model's confidence on rendered videos of people that neither training nor testing sees.

python -m training.calibrate --clips 300 --faces FOLDER [--write]

Prints the weights; --write puts them into the manifests of the released models. Those of the classical methods are
constants of service/pipeline/classical.py. A video without a pulse counts as wrong whatever is answered.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from service.pipeline.errors import InputError
from service.pipeline.estimate import Estimator, face_clips
from service.pipeline.manifest import CalibrationPart, read_manifest
from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.quality import fit_calibration
from service.pipeline.types import Calibration
from training.benchmark import BenchmarkSpec, Case, make_cases

NEAR_BPM = 5.0
Observation = tuple[dict[str, float], bool]  # quality features, whether the answer was right


def observe(estimator: Estimator, case: Case, models: list[str]) -> dict[str, Observation]:
    """Return each model's quality features for a video and whether its heart rate was right; {} if it is refused."""
    spec = estimator.model(models[0]).input
    try:
        clips = list(face_clips(case.video, spec, estimator.detector))
    except InputError:
        return {}
    found: dict[str, Observation] = {}
    for name in models:
        stream = estimator.model(name).stream()
        for clip in clips:
            stream.push(clip)
        pulse = stream.finish()
        bpm = heart_rate(pulse, estimator.model(name).calibration).bpm
        found[name] = quality_features(pulse), case.bpm is not None and abs(bpm - case.bpm) <= NEAR_BPM
    return found


def fit(observations: list[dict[str, Observation]], model: str) -> Calibration:
    """Return the calibration of one model."""
    rows = [found[model] for found in observations if model in found]
    return fit_calibration([features for features, _ in rows], [right for _, right in rows])


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Put a calibration into the manifest of a model folder."""
    part = CalibrationPart(bias=calibration.bias, weights=calibration.weights)
    read_manifest(folder).model_copy(update={"calibration": part}).write(folder)


_worker: tuple[Estimator, list[str]] | None = None


def _start(model_store: Path, models: list[str]) -> None:
    global _worker  # noqa: PLW0603 - one per process
    _worker = Estimator(model_store), models


def _observe(case: Case) -> dict[str, Observation]:
    assert _worker is not None, "the pool starts each process with _start"
    return observe(_worker[0], case, _worker[1])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=300, help="how many videos")
    parser.add_argument("--durations-s", type=float, nargs="+", default=[10.0, 30.0], help="half of the videos each")
    parser.add_argument("--faces", type=Path, help="folder of the London set; drawn faces without it")
    parser.add_argument("--videos", type=Path, default=Path("runs/benchmark"), help="where rendered videos are kept")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", action="store_true", help="write the fits into the manifests")
    args = parser.parse_args()
    cases: list[Case] = []
    for duration_s in args.durations_s:
        spec = BenchmarkSpec("calibration", args.clips // len(args.durations_s), duration_s)
        cases += make_cases(spec, args.videos, args.faces, jobs=args.jobs)
    estimator = Estimator(args.model_store)
    models = list(estimator.names)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        args.jobs, mp_context=context, initializer=_start, initargs=(args.model_store, models)
    ) as pool:
        observations = list(tqdm(pool.map(_observe, cases), total=len(cases), unit="video", disable=None))
    for name in models:
        calibration = fit(observations, name)
        print(name, calibration)
        if args.write and name in estimator.store.versions:
            write_calibration(estimator.store.folder(name), calibration)


if __name__ == "__main__":
    main()
