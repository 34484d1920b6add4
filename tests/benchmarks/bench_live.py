"""Command: what live video costs: CPU per 640x480 JPEG frame by stage, sessions per core, delay, time to a useful rate.

python -m tests.benchmarks.bench_live [--model student] [--seconds 20]

A rendered face at 30 fps, its frames as JPEG, goes first through the worker's end of a session in this process, then in
real time over the WebSocket of a service with one worker. Processor time and not wall time, as other work may share the
machine; the stages' shares and the delay (from sending a frame to the update that it brings) are wall time.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from websockets.sync.client import connect

from service.pipeline.estimate import Estimator
from service.wire import DEFAULT_ESTIMATOR
from tests.service.pipeline.live_clips import jpeg, message
from tests.service.pipeline.renders import face_recipe
from tests.service.server import Server, running_server
from training.synthesis.faces import AstronautFace
from training.synthesis.pulse_wave import make_truth
from training.synthesis.render import render_frames

STORE = Path(__file__).parents[2] / "model_store"
FPS = 30.0
WARM_UP = round(3 * FPS)  # the first look for a face and the first inference are not the usual frame
USEFUL = 0.5


def make_messages(seconds: float) -> list[bytes]:
    """Render the clip."""
    recipe = face_recipe(duration_s=seconds, fps=FPS, width=640, height=480)
    recipe = replace(recipe, scene=replace(recipe.scene, face_height=0.4))
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    return [message(time_s, jpeg(rgb)) for time_s, rgb in render_frames(recipe, AstronautFace(), truth)]


@dataclass
class Alone:
    """What the worker's end of a session cost: CPU milliseconds per frame, by stage, and what it told."""

    cpu_ms: float
    stages_ms: dict[str, float]
    updates: list[dict[str, Any]]


def run_alone(estimator: Estimator, model: str, messages: list[bytes]) -> Alone:
    """Push all messages at once."""
    live, stages, cpu_s = estimator.live(model=model), Counter[str](), 0.0
    updates = []
    for number, body in enumerate(messages):
        began_s = time.process_time()
        update = live.push(body)
        if number >= WARM_UP:
            cpu_s += time.process_time() - began_s
        if update is not None:
            updates.append(json.loads(update))
            if number >= WARM_UP + FPS:
                stages.update(updates[-1]["timing_ms"])
    cpu_ms = 1000 * cpu_s / (len(messages) - WARM_UP)
    return Alone(cpu_ms, {stage: cpu_ms * ms / stages.total() for stage, ms in stages.items()}, updates)


@dataclass
class Served:
    """CPU milliseconds per frame of the service and of its worker, and the updates' delays in milliseconds."""

    service_ms: float
    worker_ms: float
    delays_ms: list[float]
    dropped: int


def run_served(model: str, messages: list[bytes]) -> Served:
    """Send the messages in real time."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_server(Path(name), estimator=DEFAULT_ESTIMATOR, model_store=STORE, workers=1) as server,
        connect(f"ws://127.0.0.1:{server.port}/v1/stream", proxy=None) as socket,
    ):
        socket.send(json.dumps({"type": "start", "model": model}))
        socket.recv()
        before = _cpu_s(server)
        delays_ms, dropped, began = [], 0, time.perf_counter()
        for number, body in enumerate(messages):
            time.sleep(max(0.0, began + number / FPS - time.perf_counter()))
            sent = time.perf_counter()
            socket.send(body)
            if number and number % FPS == 0:
                dropped = json.loads(socket.recv())["dropped"]
                delays_ms.append(1000 * (time.perf_counter() - sent))
        after = _cpu_s(server)
    service, worker = (1000 * (b - a) / len(messages) for a, b in zip(before, after, strict=True))
    return Served(service, worker, delays_ms, dropped)


def _cpu_s(server: Server) -> tuple[float, float]:
    service, (worker,) = psutil.Process(server.process.pid).cpu_times(), server.workers()
    inside = worker.cpu_times()
    return service.user + service.system, inside.user + inside.system


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    estimator = Estimator(STORE)
    estimator.warm()
    messages = make_messages(chosen.seconds)
    alone, served = run_alone(estimator, chosen.model, messages), run_served(chosen.model, messages)
    useful = next((update for update in alone.updates if update["confidence"] >= USEFUL), None)
    kilobytes = sum(map(len, messages)) / len(messages) / 1000
    print(f"{alone.updates[-1]['model']['name']}: {len(messages)} frames of {kilobytes:.1f} kB")
    print(f"CPU per frame {alone.cpu_ms:.2f} ms: " + ", ".join(f"{k} {ms:.2f}" for k, ms in alone.stages_ms.items()))
    print(f"served: worker {served.worker_ms:.2f} ms, service {served.service_ms:.2f} ms, {served.dropped} dropped")
    print(f"sessions per core at {FPS:g} fps: {1000 / FPS / (served.worker_ms + served.service_ms):.1f}")
    print(f"delay of an update: median {median(served.delays_ms):.0f} ms, worst {max(served.delays_ms):.0f} ms")
    told = f"after {useful['time_s']:.0f} s: {useful['bpm']:.1f}, {useful['confidence']:.2f}" if useful else "never"
    print(f"first bpm with confidence {USEFUL} {told}")


if __name__ == "__main__":
    main()
