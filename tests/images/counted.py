"""Runs inside QEMU with counter.c, on the image's own Python: counts the instructions of each stage; see nano.py.

python counted.py COUNTS PART CLIP FRAMES: COUNTS is the file that the plugin writes, CLIP a video, FRAMES a folder of
its pictures as JPEG. Prints JSON: by stage, millions of instructions that the first N frames took, for each N.
"""

import ctypes
import json
import mmap
import struct
import sys
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from service.pipeline import chain, live
from service.pipeline.classical import CLASSICAL
from service.pipeline.decode import VideoReader
from service.pipeline.estimate import Estimator
from service.pipeline.face import FaceTracker
from service.pipeline.pulse import extras, heart_rate
from service.pipeline.types import Clip, DecodeLimits, Pulse, PulseModel
from service.settings import Settings

ASK = 18000  # as in counter.c
FPS = 30
MARKS = (150, 300, 450)  # frames; the tracker's looks repeat themselves every five seconds
CHUNK = 64
STUDENT = "student"
Counts = dict[str, dict[int, float]]


class Instructions:
    """Millions of instructions of the calling thread, as a clock."""

    def __init__(self, path: str) -> None:
        with Path(path).open("r+b") as file:
            self._counts = mmap.mmap(file.fileno(), 16)
        self._system = ctypes.CDLL(None)

    def __call__(self) -> float:
        self._system.syscall(ASK)
        millions: float = struct.unpack_from("Q", self._counts)[0] / 1e6
        return millions


def count_video(clock: Instructions, estimator: Estimator, clip: Path, frames: Path) -> Counts:
    """Count the chain of a recorded video up to the samples of the student and of the method of colours."""
    _replace_clocks(clock)
    stages = chain.Chain([estimator.model(STUDENT)], FaceTracker(estimator.detector))
    counts: Counts = {}
    with VideoReader(clip, DecodeLimits()) as reader:
        pictures = stages.timed("decode", reader.frames())
        for number, frame in enumerate(pictures, 1):
            stages.push(frame)
            _note(counts, number, stages.timing_s)
    return counts


def count_pulse(clock: Instructions, estimator: Estimator, clip: Path, frames: Path) -> Counts:
    """Count what follows once a recording has ended: heart rate, intervals and breathing, from its samples."""
    noise = np.random.default_rng(0)
    counts: Counts = {"pulse": {}}
    for number in (900, 1350, 1800):
        time_s = np.arange(number) / FPS
        samples = (np.cos(2 * np.pi * 1.2 * time_s) + noise.normal(0, 0.2, number)).astype(np.float32)
        pulse = Pulse(samples, np.ones(number, np.bool_), 0.0, FPS, "derivative")
        began = clock()
        extras(pulse, heart_rate(pulse, estimator.model(STUDENT).calibration, colour=pulse))
        counts["pulse"][number] = clock() - began
    return counts


def count_models(clock: Instructions, estimator: Estimator, clip: Path, frames: Path) -> Counts:
    """Count each model alone: in a recording's stretches, and a second at a time as live."""
    counts: Counts = {"infer colours": _count_model(clock, CLASSICAL[chain.CHROMINANCE](), CHUNK, lasting=False)}
    for manifest in estimator.store.pulse_models():
        model = estimator.model(manifest.name)
        counts[f"infer {manifest.name}"] = _count_model(clock, model, CHUNK, lasting=False)
        counts[f"live infer {manifest.name}"] = _count_model(clock, model, FPS, lasting=True)
    return counts


def _count_model(clock: Instructions, model: PulseModel, chunk: int, *, lasting: bool) -> dict[int, float]:
    """Count three stretches, after one that fills buffers; `lasting`: all that is known is asked for after each."""
    size = model.input.size
    rgb = np.random.default_rng(0).uniform(0.4, 0.6, (chunk, 3, size, size)).astype(np.float32)
    stream, counts, total = model.stream(), {}, 0.0
    for index in range(4):
        clip = Clip(rgb, np.ones(chunk, np.bool_), index * chunk / FPS, FPS)
        began = clock()
        stream.push(clip)
        if lasting:
            stream.finish()
        total += clock() - began if index else 0.0
        if index:
            counts[index * chunk] = total
    return counts


def count_live(clock: Instructions, estimator: Estimator, clip: Path, frames: Path) -> Counts:
    """Count the worker's end of a live session of the student, once 20 s of it are known."""
    jpegs = [path.read_bytes() for path in sorted(frames.iterdir())]
    pictures = cycle(jpegs + jpegs[::-1])
    session = estimator.live(model=STUDENT)
    live_times = [number / 5 for number in range(100)]  # as few frames as it takes to fill the buffers
    for time_s in live_times:
        session.push(_message(time_s, next(pictures)))
    _replace_clocks(clock)
    counts: Counts = {}
    stages, total = Counter[str](), 0.0
    for number, picture in enumerate(islice(pictures, max(MARKS)), 1):
        began = clock()
        told = session.push(_message(live_times[-1] + number / FPS, picture))
        total += clock() - began
        if told is not None:
            stages.update({stage: thousands / 1000 for stage, thousands in json.loads(told)["timing_ms"].items()})
        _note(counts, number, {**stages, "all": total})
    return counts


def count_camera(clock: Instructions, estimator: Estimator, clip: Path, frames: Path) -> Counts:
    """Count what `facepulse live` does for a camera's picture: from the camera's format to RGB, and to JPEG."""
    import cv2  # noqa: PLC0415 - not in the image

    pictures: list[Any] = [cv2.imread(str(path)) for path in sorted(frames.iterdir())[:30]]
    raw = [np.ascontiguousarray(np.repeat(bgr[..., :1], 2, axis=2)) for bgr in pictures]
    work: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
        "camera": (lambda yuyv: cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV), raw),
        "jpeg": (lambda bgr: cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90]), pictures),
    }
    counts: Counts = {}
    for stage, (do, items) in work.items():
        do(items[0])
        counts[stage], total = {}, 0.0
        for number, item in enumerate(items, 1):
            began = clock()
            do(item)
            total += clock() - began
            if number % 10 == 0:
                counts[stage][number] = total
    return counts


PARTS = {
    "video": count_video,
    "pulse": count_pulse,
    "models": count_models,
    "live": count_live,
    "camera": count_camera,
}


def _replace_clocks(clock: Instructions) -> None:
    """Have the chains measure their stages in millions of instructions instead of seconds."""
    for module in (chain, live):
        module.time = SimpleNamespace(perf_counter=clock)  # type: ignore[attr-defined]


def _note(counts: Counts, number: int, so_far: dict[str, float]) -> None:
    if number in MARKS:
        for stage, millions in so_far.items():
            counts.setdefault(stage, {})[number] = millions


def _message(time_s: float, jpeg: bytes) -> bytes:
    return struct.pack(">d", time_s) + jpeg


def main() -> None:
    """Count one part."""
    clock = Instructions(sys.argv[1])
    estimator = Estimator(Settings().model_store)
    print(json.dumps(PARTS[sys.argv[2]](clock, estimator, Path(sys.argv[3]), Path(sys.argv[4]))))


if __name__ == "__main__":
    main()
