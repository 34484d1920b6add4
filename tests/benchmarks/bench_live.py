"""Command: what live video costs: CPU per 640x480 JPEG frame by stage, sessions per core, seconds to a useful rate.

python -m tests.benchmarks.bench_live [--model student] [--seconds 20]

A rendered face at 30 fps, its frames as JPEG (in memory), goes through the worker's end of a session in this process.
Processor time and not wall time, as other work may share the machine; the stages' shares are taken from wall time.
"""

import argparse
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from service.pipeline.estimate import Estimator
from tests.service.pipeline.live_clips import jpeg, message
from tests.service.pipeline.renders import face_recipe
from training.synthesis.faces import AstronautFace
from training.synthesis.pulse_wave import make_truth
from training.synthesis.render import render_frames

STORE = Path(__file__).parents[2] / "model_store"
FPS = 30.0
WARM_UP_S = 2.0  # the first look for a face and the first inference are not the usual frame
USEFUL = 0.5


def make_messages(seconds: float) -> list[bytes]:
    """Render the clip."""
    recipe = face_recipe(duration_s=seconds, fps=FPS, width=640, height=480)
    recipe = replace(recipe, scene=replace(recipe.scene, face_height=0.4))
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    return [message(time_s, jpeg(rgb)) for time_s, rgb in render_frames(recipe, AstronautFace(), truth)]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    estimator = Estimator(STORE)
    estimator.warm()
    messages = make_messages(chosen.seconds)
    live = estimator.live(model=chosen.model)
    stages: Counter[str] = Counter()
    updates, cpu_s, counted = [], 0.0, 0
    for number, body in enumerate(messages):
        began_s = time.process_time()
        update = live.push(body)
        if number >= WARM_UP_S * FPS:
            cpu_s, counted = cpu_s + time.process_time() - began_s, counted + 1
        if update is not None:
            updates.append(json.loads(update))
            if number >= WARM_UP_S * FPS + FPS:
                stages.update(updates[-1]["timing_ms"])
    per_frame_ms = 1000 * cpu_s / counted
    useful = next((update for update in updates if update["confidence"] >= USEFUL), None)
    whole = sum(stages.values())
    print(
        f"{updates[-1]['model']['name']}: {len(messages)} frames of {sum(map(len, messages)) / len(messages):.0f} bytes"
    )
    print(f"CPU per frame {per_frame_ms:.2f} ms, sessions per core at 30 fps {1000 / per_frame_ms / FPS:.1f}")
    print("of it " + ", ".join(f"{stage} {per_frame_ms * ms / whole:.2f} ms" for stage, ms in stages.items()))
    print(f"first bpm with confidence {USEFUL} " + ("never" if useful is None else _told(useful)))


def _told(update: dict[str, float]) -> str:
    return f"after {update['time_s']:.0f} s: {update['bpm']:.1f} at {update['confidence']:.2f}"


if __name__ == "__main__":
    main()
