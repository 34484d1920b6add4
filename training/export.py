"""Command: turn a run into a released model version: ONNX file, manifest, card, and its entry in active.json.

python -m training.export RUN --name student --version 1.0.0 --store model_store
"""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from service.pipeline.manifest import (
    InputPart,
    Manifest,
    OutputPart,
    TrainingPart,
    file_sha256,
)
from service.pipeline.session import Session
from training.card import write_card
from training.checkpoint import RunInvalid, load_average, load_checkpoint
from training.config import TrainConfig
from training.models import PulseNet
from training.models.common import SIZE, count_macs, count_parameters
from training.onnx_file import write_onnx
from training.store import activate, git_revision

MODEL = "model.onnx"
TOLERANCE = 1e-4  # between onnxruntime and torch; samples are of the order of 1
_MEASURES = ("band_r", "bpm_mae", "bpm_near", "clips")  # of a run's last validation


class ExportFailed(Exception):
    """The exported file is not what was trained, or the version exists already."""


@dataclass(frozen=True, slots=True)
class Release:
    """Who the model is: name and version; what it learned from, in words, and the licence of the weights."""

    name: str
    version: str
    data: str
    licence: str = "Apache-2.0"


def export_onnx(net: PulseNet, path: Path) -> None:
    """Write `net` as ONNX: `frames` (T, 3, 36, 36) -> `pulse` (T - lag,), any T > lag."""
    example = torch.rand(4 + net.lag, 3, SIZE, SIZE)
    write_onnx(net.deployed(), example, path, inputs={"frames": {0: "frames"}}, outputs={"pulse": {0: "samples"}})


def parity(net: PulseNet, path: Path, *, seed: int = 1) -> float:
    """Return the largest difference between onnxruntime and torch on frames and lengths the export never saw."""
    rng = np.random.default_rng(seed)
    session, worst = Session(path), 0.0
    for count in (net.lag + 1, net.lag + 32, net.lag + 64):
        still = rng.uniform(0.2, 0.8, (1, 3, SIZE, SIZE))
        frames = (still + rng.normal(0, 0.01, (count, 3, SIZE, SIZE))).clip(0, 1).astype(np.float32)
        with torch.no_grad():
            expected = net.eval()(torch.from_numpy(frames)).numpy()
        worst = max(worst, float(np.abs(session(frames=frames)[0] - expected).max()))
    return worst


def release(run: Path, store: Path, what: Release, *, replace: bool = False, default: bool = False) -> Path:
    """Export the averaged network of `run` as a version of the store, make it the active one, return its folder.

    Raises RunInvalid, or ExportFailed when runtime and torch disagree or the version exists and `replace` is not set.
    """
    net, config = load_average(run)
    folder = store / f"{what.name}-{what.version}"
    if folder.exists() and not replace:
        raise ExportFailed(f"{folder.name} exists already; released versions do not change")
    partial = store / f".partial-{folder.name}"
    shutil.rmtree(partial, ignore_errors=True)
    write_version(partial, net, config, what, _last_measures(run))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    activate(store, what.name, what.version, default=what.name if default else None)
    return folder


def write_version(
    folder: Path, net: PulseNet, config: TrainConfig, what: Release, metrics: Mapping[str, float]
) -> None:
    """Write ONNX file, manifest and card into a new folder. Raises ExportFailed when runtime and torch disagree."""
    folder.mkdir(parents=True)
    export_onnx(net, folder / MODEL)
    difference = parity(net, folder / MODEL)
    if not difference <= TOLERANCE:
        raise ExportFailed(f"onnxruntime and torch differ by {difference:.2g}")
    manifest = _manifest(net, config, what, folder / MODEL, {**metrics, "onnx_difference": difference})
    manifest.write(folder)
    write_card(folder, manifest)


def _manifest(net: PulseNet, config: TrainConfig, what: Release, model: Path, metrics: dict[str, float]) -> Manifest:
    proto = onnx.load(str(model))
    budget = f"{config.steps} steps" if config.steps is not None else f"{config.minutes:g} minutes"
    begun = f" from {config.start}" if config.start else ""
    distilled = ", distilled from the teacher" if config.distil_weight else ""
    return Manifest(
        name=what.name,
        version=what.version,
        kind="pulse",
        files={model.name: file_sha256(model)},
        opset=proto.opset_import[0].version,
        ir_version=proto.ir_version,
        parameters=count_parameters(net),
        macs_per_frame=count_macs(net, 1),
        input=InputPart(size=SIZE, fps=config.fps, lag=net.lag, past=net.past, future=net.future),
        output=OutputPart(kind=net.kind, noise_slope=net.noise_slope),
        training=TrainingPart(
            data=what.data,
            licence=what.licence,
            recipe=f"python -m training.train {config.model}: loss {config.loss}, {budget}{begun}{distilled}",
            git_revision=git_revision(),
        ),
        metrics={name: round(value, 6) for name, value in metrics.items()},
    )


def _last_measures(run: Path) -> dict[str, float]:
    """Return the run's last validation, its keys led by `validation_`, and its steps."""
    state = load_checkpoint(run)
    history: list[dict[str, float]] = state["history"]
    measured = next((record for record in reversed(history) if "band_r" in record), dict[str, float]())
    found = {f"validation_{key}": float(measured[key]) for key in _MEASURES if key in measured}
    return {"steps": float(state["engine"]["steps"]), **found}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when nothing was released."""
    args = _parser().parse_args(arguments)
    what = Release(args.name, args.version, args.data, args.licence)
    try:
        folder = release(args.run, args.store, what, replace=args.replace, default=args.default)
    except (ExportFailed, RunInvalid) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"released {folder}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.export", description="Release the network of a run.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--data", default="clips rendered by training.synthesis", help="what it learned from, in words")
    parser.add_argument("--licence", default="Apache-2.0", help="of the weights")
    parser.add_argument("--default", action="store_true", help="make it the service's default model")
    parser.add_argument("--replace", action="store_true", help="replace a version that exists")
    return parser


if __name__ == "__main__":
    sys.exit(main())
