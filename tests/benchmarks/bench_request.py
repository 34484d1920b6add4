"""What a whole request costs over decoding alone: `python -m tests.benchmarks.bench_request [CLIP]`.

A real service with one worker gets a 60-s 640x480 30-fps H.264 clip of a rendered face (400 kb/s) for each released
model. Wall seconds of the request and CPU seconds of the service and its worker, the least of the rounds, as ratios to
decoding alone with PyAV, measured in turn with them; and where the time goes by stage.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from service.cli.speed import decode_only
from service.pipeline.estimate import Estimator
from service.wire import DEFAULT_ESTIMATOR
from tests.service.pipeline.renders import face_recipe
from tests.service.server import Server, running_server
from training.synthesis.faces import AstronautFace
from training.synthesis.render import render

ROUNDS = 3
STORE = Path(__file__).parents[2] / "model_store"
CLIP_BIT_RATE = 400_000


def make_clip(path: Path) -> Path:
    """Render the clip."""
    recipe = face_recipe(
        width=640, height=480, duration_s=60.0, bits_per_pixel=CLIP_BIT_RATE / (640 * 480 * 30), preset="veryfast"
    )
    render(recipe, AstronautFace(), path)
    return path


def cpu_s(server: Server) -> float:
    """Return the CPU seconds that the service and its workers have used."""
    times = [process.cpu_times() for process in (psutil.Process(server.process.pid), *server.workers())]
    return sum(t.user + t.system for t in times)


def spent(server: Server, content: bytes, model: str) -> tuple[float, float, dict[str, float]]:
    """Return wall and CPU seconds of one request, and its milliseconds by stage."""
    cpu, wall = cpu_s(server), time.perf_counter()
    answer = server.measure(content, model=model)
    answer.raise_for_status()
    return time.perf_counter() - wall, cpu_s(server) - cpu, answer.json()["timing_ms"]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main(arguments: list[str]) -> None:
    """Print the table."""
    models = [manifest.name for manifest in Estimator(STORE).store.pulse_models()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = Path(arguments[0]) if arguments else make_clip(folder / "clip.mp4")
        floor = [timed(lambda: decode_only(clip))]
        best: dict[str, tuple[float, float, dict[str, float]]] = {}
        with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=STORE, workers=1) as server:
            for _ in range(ROUNDS):
                floor.append(timed(lambda: decode_only(clip)))
                for model in models:
                    now = spent(server, clip.read_bytes(), model)
                    old = best.get(model, now)
                    best[model] = min(now[0], old[0]), min(now[1], old[1]), now[2]
        wall, cpu = (min(column) for column in zip(*floor, strict=True))
    print(f"{clip.name}: decode only {wall:.2f} s wall, {cpu:.2f} s CPU")
    print(f"{'model':12} {'wall s':>7} {'x':>5} {'CPU s':>7} {'x':>5}  ms by stage")
    for model, (wall_s, used_s, stages) in best.items():
        print(f"{model:12} {wall_s:7.2f} {wall_s / wall:5.2f} {used_s:7.2f} {used_s / cpu:5.2f}  {stages}")


if __name__ == "__main__":
    main(sys.argv[1:])
