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

from service.pipeline.infer import OnnxPulseModel
from service.pipeline.manifest import ModelStore
from service.pipeline.types import Calibration
from service.settings import Settings

ASK = 18000  # as in counter.c
FPS = 30
MARKS = (150, 300, 450)  # frames; the tracker's looks repeat themselves every five seconds
MODEL_MARKS = (8, 16, 24)
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


# Each part imports what it needs: on an emulated core that takes the longest.
def count_video(clock: Instructions, clip: Path, frames: Path) -> Counts:
    """Count the chain of a recorded video up to the samples of the student, then what its samples are made into."""
    from service.pipeline import chain  # noqa: PLC0415
    from service.pipeline.clip import CHUNK_FRAMES  # noqa: PLC0415
    from service.pipeline.decode import VideoReader  # noqa: PLC0415
    from service.pipeline.estimate import Estimator  # noqa: PLC0415
    from service.pipeline.face import FaceTracker  # noqa: PLC0415
    from service.pipeline.types import DecodeLimits  # noqa: PLC0415

    vars(chain)["time"] = SimpleNamespace(perf_counter=clock)
    estimator = Estimator(Settings().model_store)
    stages = chain.Chain([estimator.model(STUDENT)], FaceTracker(estimator.detector))
    counts: Counts = {}
    with VideoReader(clip, DecodeLimits()) as reader:
        for number, frame in enumerate(stages.timed("decode", reader.frames()), 1):
            stages.push(frame)
            _note(counts, number, stages.timing_s)
    # Inference comes in whole stretches.
    inferred = {number // CHUNK_FRAMES * CHUNK_FRAMES: total for number, total in counts["infer"].items()}
    return counts | {"infer": inferred, "pulse": _count_pulse(clock)}


def _count_pulse(clock: Instructions) -> dict[int, float]:
    """Count what follows once a recording has ended: heart rate, intervals and breathing, from its samples."""
    from service.pipeline.controls import Controls  # noqa: PLC0415
    from service.pipeline.pulse import extras, heart_rate  # noqa: PLC0415
    from service.pipeline.types import Pulse  # noqa: PLC0415

    noise, counts = np.random.default_rng(0), {}
    for number in (900, 1350, 1800):
        wave = np.cos(2 * np.pi * 1.2 * np.arange(number) / FPS) + noise.normal(0, 0.2, number)
        pulse = Pulse(wave.astype(np.float32), np.ones(number, np.bool_), 0.0, FPS, "derivative")
        controls = Controls(pulse, pulse, (pulse,) * 2, (pulse,) * 16, (pulse,) * 2, np.arange(0, number / FPS, 1.0))
        began = clock()
        extras(pulse, heart_rate(pulse, controls=controls))
        counts[number] = clock() - began
    return counts


def count_models(clock: Instructions, clip: Path, frames: Path) -> Counts:
    """Count each network alone."""
    store, noise, counts = ModelStore(Settings().model_store), np.random.default_rng(0), {}
    for manifest in store.pulse_models():
        model = OnnxPulseModel(store.folder(manifest.name), default_calibration=Calibration(0.0, {}))
        by_frames = counts[f"infer {manifest.name}"] = dict[int, float]()
        for number in MODEL_MARKS:
            size = model.input.size
            rgb = noise.uniform(0.4, 0.6, (model.input.lag + number, 3, size, size)).astype(np.float32)
            began = clock()
            model.run(rgb)
            by_frames[number] = clock() - began
        print(json.dumps(counts), file=sys.stderr, flush=True)
    return counts


def count_live(clock: Instructions, clip: Path, frames: Path) -> Counts:
    """Count the worker's end of a live session of the student: messages with JPEG pictures."""
    jpegs = [path.read_bytes() for path in sorted(frames.iterdir())]
    return _count_session(clock, jpegs, lambda session, time_s, jpeg: session.push(struct.pack(">d", time_s) + jpeg))


def count_here(clock: Instructions, clip: Path, frames: Path) -> Counts:
    """Count the same on the machine that has the camera: pictures as OpenCV gives them."""
    import av  # noqa: PLC0415

    decoder: Any = av.CodecContext.create("mjpeg", "r")
    packets = [av.Packet(path.read_bytes()) for path in sorted(frames.iterdir())[: 2 * FPS]]
    pictures = [decoder.decode(packet)[0].to_ndarray(format="bgr24") for packet in packets]
    return _count_session(clock, pictures, lambda session, time_s, bgr: session.push_picture(time_s, bgr[..., ::-1]))


def _count_session(clock: Instructions, pictures: list[Any], push: Callable[[Any, float, Any], bytes | None]) -> Counts:
    """Count a session once 20 s of it are known; the pictures come forwards and backwards."""
    from service.pipeline import live  # noqa: PLC0415
    from service.pipeline.estimate import Estimator  # noqa: PLC0415

    vars(live)["time"] = SimpleNamespace(perf_counter=clock)
    session = Estimator(Settings().model_store).live(model=STUDENT)
    endless = cycle(pictures + pictures[::-1])
    before = [number / 5 for number in range(100)]  # as few frames as it takes to fill the buffers
    for time_s in before:
        push(session, time_s, next(endless))
    counts: Counts = {}
    stages, total = Counter[str](), 0.0
    for number, picture in enumerate(islice(endless, max(MARKS)), 1):
        began = clock()
        told = push(session, before[-1] + number / FPS, picture)
        total += clock() - began
        if told is not None:
            stages.update({stage: thousands / 1000 for stage, thousands in json.loads(told)["timing_ms"].items()})
        _note(counts, number, {**stages, "all": total})
    return counts


def count_camera(clock: Instructions, clip: Path, frames: Path) -> Counts:
    """Count what `facepulse live` does for a camera's picture: from the camera's format to RGB, and to JPEG."""
    import cv2  # noqa: PLC0415

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
    "models": count_models,
    "live": count_live,
    "here": count_here,
    "camera": count_camera,
}


def _note(counts: Counts, number: int, so_far: dict[str, float]) -> None:
    if number in MARKS:
        for stage, millions in so_far.items():
            counts.setdefault(stage, {})[number] = millions


def main() -> None:
    """Count one part."""
    clock = Instructions(sys.argv[1])
    print(json.dumps(PARTS[sys.argv[2]](clock, Path(sys.argv[3]), Path(sys.argv[4]))))


if __name__ == "__main__":
    main()
