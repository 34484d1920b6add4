"""What a model costs: processor time per frame, as the command line, the benchmarks and the manifests tell it."""

import time

import numpy as np

from service.pipeline.types import Clip, PulseModel

_STRETCH = 64  # frames, as the chain hands them to a model


def model_ms_per_frame(model: PulseModel, seconds: float = 10.0, *, rounds: int = 2) -> float:
    """Return the processor milliseconds that a model takes per frame, on frames of noise at its own rate.

    The cheapest of some rounds, and processor and not wall time: other programs share the machine.
    """
    spec = model.input
    stretches = max(round(seconds * spec.fps / _STRETCH), 1)
    rgb = np.random.default_rng(0).uniform(0.4, 0.6, (_STRETCH, 3, spec.size, spec.size)).astype(np.float32)
    comparable = np.ones(_STRETCH, np.bool_)
    times_s = []
    for _ in range(rounds):
        start_s = time.process_time()
        stream = model.stream()
        for index in range(stretches):
            stream.push(Clip(rgb, comparable, index * _STRETCH / spec.fps, spec.fps))
        stream.finish()
        times_s.append(time.process_time() - start_s)
    return 1000 * min(times_s) / (stretches * _STRETCH)
