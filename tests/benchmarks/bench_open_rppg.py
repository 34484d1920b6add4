"""What the published networks of open-rppg say of rendered videos: `python bench_open_rppg.py FOLDER [MODEL ...]`.

Needs nothing of this project, but an environment of its own: `pip install open-rppg==0.1.1 'setuptools<80'`. FOLDER is
a set that training.reproduce has rendered, as runs/benchmark/webcam. Each network reads a video as that package does:
its face detector, its rate, its signal quality index (SQI, 0..1); the state that its recurrent networks keep from one
video to the next is put back before each. The rates of 10-s windows, one each second, are that package's of the same
wave; their truth is that of the beats, as in training.reproduce. Prints a Markdown table.
"""

import copy
import importlib
import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODELS = ("FacePhys.rlap", "ME-flow.rlap", "PhysNet.rlap")
NEAR_BPM = 5.0
SURE = 0.5  # of the SQI: from there on the package itself takes a wave for good
WINDOW_S = 10.0
HEADER = (
    "network",
    "videos",
    "MAE",
    "median error",
    "within 5 bpm",
    f"SQI >= {SURE}",
    "of those within 5 bpm",
    "10-s windows",
    "their MAE",
    "their median error",
    "of them within 5 bpm",
)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network says of a video: bpm (nan where nothing is said), SQI, and of each window (W,) start and bpm."""

    bpm: float
    quality: float
    starts_s: Array
    window_bpm: Array


def answers(name: str, videos: list[Path]) -> list[Answer]:
    """Return what one network says of each video."""
    model: Any = importlib.import_module("rppg").Model(name)
    first = copy.deepcopy(model.state)
    said = []
    for video in videos:
        model.state = copy.deepcopy(first)
        answer = model.process_video(str(video)) or {}
        bpm, quality = answer.get("hr"), answer.get("SQI")
        said.append(Answer(np.nan if bpm is None else float(bpm), float(quality or 0), *windows(model)))
    return said


def windows(model: Any) -> tuple[Array, Array]:
    """Return the starts (W,) in s of the windows of the video that was read last, and the rates in bpm there."""
    rate_of = importlib.import_module("rppg.main").get_hr
    wave, times_s = (np.asarray(values, np.float64) for values in model.bvp())
    starts_s = np.arange(0, max(times_s[-1] - WINDOW_S + 1e-6, 0)) if len(times_s) else np.zeros(0)
    inside = [(times_s >= start) & (times_s < start + WINDOW_S) for start in starts_s]
    return starts_s, np.array([rate_of(wave[some], model.fps) for some in inside])


def window_errors(answer: Answer, video: Path) -> Array:
    """Return the absolute errors (W,) of the windows' rates; the truth is that of the beats, three or more."""
    times_s, _, beat = np.loadtxt(video.with_suffix(".csv"), delimiter=",", skiprows=1).T
    beats_s = times_s[beat > 0]
    errors = []
    for start_s, bpm in zip(answer.starts_s, answer.window_bpm, strict=True):
        own = beats_s[(beats_s >= start_s) & (beats_s <= start_s + WINDOW_S)]
        errors.append(abs(bpm - 60 * (len(own) - 1) / (own[-1] - own[0])))
    return np.array(errors)


def row(name: str, videos: list[Path]) -> list[str]:
    """Return the network's name and figures, as HEADER names them."""
    true_bpm = np.array([json.loads(video.with_suffix(".json").read_text())["bpm"] for video in videos])
    said = answers(name, videos)
    bpm, quality = np.array([(one.bpm, one.quality) for one in said]).T
    error = np.where(np.isfinite(bpm), np.abs(bpm - true_bpm), np.inf)
    near, sure, told = error <= NEAR_BPM, quality >= SURE, np.isfinite(error)
    figures = f"{error[told].mean():.2f}", f"{np.median(error):.2f}", f"{near.mean():.1%}"
    trust = f"{sure.mean():.0%}", f"{near[sure].mean():.1%}" if sure.any() else "-"
    own = np.concatenate([window_errors(one, video) for one, video in zip(said, videos, strict=True)])
    of_windows = f"{own.mean():.2f}", f"{np.median(own):.2f}", f"{(own <= NEAR_BPM).mean():.1%}"
    return [name, str(len(videos)), *figures, *trust, str(len(own)), *of_windows]


def main(folder: Path, models: list[str]) -> None:
    """Print the table."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    logging.disable(logging.CRITICAL)
    videos = sorted(folder.glob("*.video"))
    print(f"| {' | '.join(HEADER)} |")
    print(f"|{' --- |' * len(HEADER)}")
    for name in models or MODELS:
        print(f"| {' | '.join(row(name, videos))} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
