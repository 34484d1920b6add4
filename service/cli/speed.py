"""What measuring a clip costs on this machine, in processor and wall-clock seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from service.pipeline.estimate import Estimator
from service.pipeline.types import DecodeLimits


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor and wall-clock seconds of one piece of work, and what came of it."""

    cpu_s: float
    wall_s: float
    outcome: Any


def cost_of(work: Callable[[], Any], rounds: int = 1) -> Cost:
    """Do the work so many times and return the cheapest round: other programs share the machine."""
    costs = []
    for _ in range(rounds):
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        outcome = work()
        costs.append(Cost(time.process_time() - cpu_s, time.perf_counter() - wall_s, outcome))
    return min(costs, key=lambda cost: cost.cpu_s)


def decode_only(path: Path) -> int:
    """Decode a video of our own on one thread, drop the frames and return how many: the floor under every chain."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def measure(estimator: Estimator, path: Path, model: str) -> Callable[[], Any]:
    """Return the work of measuring a video with one model."""
    limits = DecodeLimits(max_duration_s=2 * 3600.0)
    return lambda: estimator.estimate(path, model=model, limits=limits)
