"""The service around the pipeline: `python -m tests.benchmarks.bench_server [REQUESTS]`.

With a real service and a 6-s clip of a rendered face (320x240, 15 fps):
- overhead: CPU seconds of service and worker for a request, over those of the pipeline alone in this process;
- saturation: 2 workers and more clients than they and the queue take, for 20 s: answers per second of wall and of the
  service's CPU time, what the surplus gets, how long each kind of answer takes;
- memory: of the API process and the workers after REQUESTS requests (1,000) against after 100.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import httpx
import psutil

from service.pipeline.estimate import Estimator
from service.wire import DEFAULT_ESTIMATOR
from tests.benchmarks.bench_request import STORE, cpu_s
from tests.service.pipeline.renders import face_recipe, render_face
from tests.service.server import Server, running_server

ROUNDS = 20
CLIENTS = 32
SATURATED_S = 20.0
ENDLESS = 1_000_000


def overhead(server: Server, clip: Path) -> tuple[float, float]:
    """Return CPU seconds of one request in the service and in the pipeline alone: the medians of rounds in turn."""
    estimator = Estimator(STORE)
    estimator.warm()
    content, served, alone = clip.read_bytes(), [], []
    for _ in range(ROUNDS):
        before = cpu_s(server)
        server.measure(content).raise_for_status()
        served.append(cpu_s(server) - before)
        before = time.process_time()
        estimator.estimate(clip)
        alone.append(time.process_time() - before)
    return statistics.median(served), statistics.median(alone)


async def saturate(server: Server, content: bytes) -> tuple[dict[str, list[float]], set[str]]:
    """Ask with many clients at once; return the seconds of each kind of answer, and the Retry-After that came."""
    seconds: dict[str, list[float]] = defaultdict(list)
    retry_after: set[str] = set()
    end = time.perf_counter() + SATURATED_S

    async def ask(client: httpx.AsyncClient) -> None:
        while time.perf_counter() < end:
            since = time.perf_counter()
            answer = await client.post("/v1/heart-rate", files={"file": content})
            seconds[answer.json().get("code", "measured")].append(time.perf_counter() - since)
            if answer.status_code == 503:
                retry_after.add(answer.headers["retry-after"])
                await asyncio.sleep(0.5)  # a client in a hurry: sooner than it was told

    async with httpx.AsyncClient(base_url=server.url, timeout=180, trust_env=False) as client:
        await asyncio.gather(*(ask(client) for _ in range(CLIENTS)))
    return seconds, retry_after


def memory_mb(server: Server) -> dict[str, float]:
    """Return the memory that belongs to the API process alone, and to its largest worker."""
    workers = [worker.memory_full_info().uss for worker in server.workers()]
    return {"api": psutil.Process(server.process.pid).memory_full_info().uss / 1e6, "worker": max(workers) / 1e6}


def print_saturation(folder: Path, content: bytes) -> None:
    """Measure and print what two workers do when more is asked of them than they can."""
    with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=STORE, workers=2) as server:
        before, since = cpu_s(server), time.perf_counter()
        seconds, retry_after = asyncio.run(saturate(server, content))
        took_s, used_s = time.perf_counter() - since, cpu_s(server) - before
    measured = len(seconds["measured"])
    print(f"{CLIENTS} clients at 2 workers: {measured / took_s:.1f} answers/s, {measured / used_s:.1f} per CPU second")
    for kind, took in sorted(seconds.items()):
        quantiles = statistics.quantiles(took, n=20) if len(took) > 1 else took * 20
        print(f"  {kind:12} {len(took):6}  p50 {1000 * quantiles[9]:7.0f} ms  p95 {1000 * quantiles[18]:7.0f} ms")
    print(f"  Retry-After: {', '.join(sorted(retry_after)) or 'none'}")


def main(requests: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = render_face(folder / "clip.mp4", face_recipe(duration_s=6.0, fps=15.0))
        content = clip.read_bytes()
        (folder / "many").mkdir()
        print_saturation(folder / "many", content)
        chosen = {"estimator": DEFAULT_ESTIMATOR, "model_store": STORE, "workers": 1, "worker_max_tasks": ENDLESS}
        with running_server(folder, **chosen) as server:  # type: ignore[arg-type]
            served_s, alone_s = overhead(server, clip)
            print(f"one request: {1000 * served_s:.0f} ms CPU, the pipeline alone {1000 * alone_s:.0f} ms: ", end="")
            print(f"{served_s / alone_s:.2f} times; {len(content) / 1000:.0f} kB up")
            for count in range(2 * ROUNDS, requests + 1):
                server.measure(content).raise_for_status()
                if count in (100, requests):
                    told = ", ".join(f"{who} {size:.1f} MB" for who, size in memory_mb(server).items())
                    print(f"after {count:5} requests: {told}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
