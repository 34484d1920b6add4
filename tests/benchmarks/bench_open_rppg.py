"""What the published networks of open-rppg say of rendered videos: `python bench_open_rppg.py FOLDER [MODEL ...]`.

Needs nothing of this project, but an environment of its own: `pip install open-rppg==0.1.1 'setuptools<80'`. FOLDER is
a set that training.reproduce has rendered, as runs/benchmark/webcam. Each network reads a video as that package does:
its face detector, its rate, its signal quality index (SQI, 0..1); the state that its recurrent networks keep from one
video to the next is put back before each. Prints a Markdown table.
"""

import copy
import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

MODELS = ("FacePhys.rlap", "ME-flow.rlap", "PhysNet.rlap")
NEAR_BPM = 5.0
SURE = 0.5  # of the SQI: from there on the package itself takes a wave for good


def answers(name: str, videos: list[Path]) -> list[tuple[float, float]]:
    """Return each video's bpm (nan where nothing is said) and SQI by one network."""
    model: Any = importlib.import_module("rppg").Model(name)
    first = copy.deepcopy(model.state)
    said = []
    for video in videos:
        model.state = copy.deepcopy(first)
        answer = model.process_video(str(video)) or {}
        bpm, quality = answer.get("hr"), answer.get("SQI")
        said.append((np.nan if bpm is None else float(bpm), float(quality or 0)))
    return said


def row(name: str, videos: list[Path], true_bpm: np.ndarray[Any, Any]) -> list[str]:
    """Return the network's name and figures: MAE, median error, share within 5 bpm, share sure and of these right."""
    bpm, quality = np.array(answers(name, videos)).T
    error = np.where(np.isfinite(bpm), np.abs(bpm - true_bpm), np.inf)
    near, sure, told = error <= NEAR_BPM, quality >= SURE, np.isfinite(error)
    figures = f"{error[told].mean():.2f}", f"{np.median(error):.2f}", f"{near.mean():.1%}"
    return [name, str(len(videos)), *figures, f"{sure.mean():.0%}", f"{near[sure].mean():.1%}" if sure.any() else "-"]


def main(folder: Path, models: list[str]) -> None:
    """Print the table."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    logging.disable(logging.CRITICAL)
    videos = sorted(folder.glob("*.video"))
    true_bpm = np.array([json.loads(video.with_suffix(".json").read_text())["bpm"] for video in videos])
    print(f"| network | videos | MAE | median error | within 5 bpm | SQI >= {SURE} | of those within 5 bpm |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in models or MODELS:
        print(f"| {' | '.join(row(name, videos, true_bpm))} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
