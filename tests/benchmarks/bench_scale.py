"""What many videos cost and what gives way first: `python -m tests.benchmarks.bench_scale`, for docs/scale.md.

The video: the bundled clip again and again, 30 s of 640x480 at 30 fps, H.264 at about 1 Mb/s. Processor time, user and
system, is what counts: on a busy machine it says more than time on the wall.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import av
import httpx
import psutil

from service.api.schemas import HeartRateResult
from service.cli.batch_manifest import BatchManifest, Entry
from service.cli.many import find_videos
from service.jobs.job import Job
from service.jobs.store import JobStore
from service.wire import DEFAULT_ESTIMATOR
from tests.benchmarks.bench_request import STORE, cpu_s
from tests.docker.proxy import HAPROXY, running_proxy
from tests.service.server import ROOT, VIDEO, Server, running_server

CLIP = ROOT / "demo" / "astronaut.mp4"
MODELS = ("student", "temporal", "teacher")
FEW, MANY = 2, 8  # runs of so many videos: their difference is free of what a start costs
FOR_S = 5.0
LISTED = 20_000


def make_video(path: Path, seconds: int = 30, fps: int = 30) -> Path:
    """Write the video."""
    with av.open(str(CLIP)) as clip, av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", fps)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 640, 480, "yuv420p", 1_000_000
        frames = [frame.to_ndarray(format="yuv420p") for frame in clip.decode(video=0)]
        for number in range(seconds * fps):
            frame = av.VideoFrame.from_ndarray(frames[number % len(frames)], "yuv420p")
            frame.pts = number
            video.mux(stream.encode(frame))
        video.mux(stream.encode(None))
    return path


def batch(video: Path, folder: Path, model: str) -> float:
    """Return CPU seconds per video: of a run of MANY videos less one of FEW, with all processes."""
    used_s = []
    for number in (FEW, MANY):
        videos = folder / f"{model}-{number}"
        videos.mkdir()
        for index in range(number):
            (videos / f"{index}.mp4").symlink_to(video)
        before_s = _children_s()
        command = [sys.executable, "-m", "service.cli", "batch", str(videos), "--model", model, "--jobs", "2"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        used_s.append(_children_s() - before_s)
    return (used_s[1] - used_s[0]) / (MANY - FEW)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def over_http(video: Path, folder: Path) -> None:
    """Print CPU seconds of a request by model, the API's process's share, the bytes, and the largest worker so far."""
    content = video.read_bytes()
    with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=STORE, task_timeout_s=600) as server:
        for model in MODELS:
            answer = ask(server, content, model)
            api, before_s = psutil.Process(server.process.pid), cpu_s(server)
            api_before_s = sum(api.cpu_times()[:2])
            for _ in range(MANY):
                ask(server, content, model)
            each_s = (cpu_s(server) - before_s) / MANY
            api_s = (sum(api.cpu_times()[:2]) - api_before_s) / MANY
            sizes = f"{len(content) / 1e6:.2f} MB in, {len(answer.content) / 1e3:.1f} kB out, {peak_mb(server):.0f} MB"
            print(f"HTTP {model:9} {each_s:6.2f} CPU s a video, {api_s:.3f} of it the API's process; {sizes}")


def ask(server: Server, content: bytes, model: str) -> httpx.Response:
    """Have the video measured, however long that takes on a busy machine."""
    files, url = {"file": content}, f"{server.url}/v1/heart-rate"
    return httpx.post(url, files=files, data={"model": model}, timeout=600, trust_env=False).raise_for_status()


def peak_mb(server: Server) -> float:
    """Return the most memory that a worker has held so far."""
    told = [Path(f"/proc/{worker.pid}/status").read_text() for worker in server.workers()]
    return max(int(line.split()[1]) for text in told for line in text.splitlines() if line.startswith("VmHWM")) / 1e3


def through_proxy(folder: Path, content: bytes) -> None:
    """Print what the proxy and a replica's API process spend on a request whose measuring costs nothing."""
    if HAPROXY is None:
        print("proxy: HAProxy is not installed")
        return
    with running_server(folder) as server, running_proxy(folder, [server.port, server.port]) as proxy:
        api = psutil.Process(server.process.pid)
        with proxy.client() as client:
            for size in (len(VIDEO), len(content)):
                body = VIDEO + bytes(size - len(VIDEO))
                before_s, api_before_s = sum(proxy.process.cpu_times()[:2]), sum(api.cpu_times()[:2])
                done = _as_often(lambda body=body: client.post("/v1/heart-rate", files={"file": body}))  # type: ignore[misc]
                used_s, api_s = sum(proxy.process.cpu_times()[:2]) - before_s, sum(api.cpu_times()[:2]) - api_before_s
                each = f"{1000 * used_s / done:.2f} CPU ms of the proxy, {1000 * api_s / done:.1f} of the API's process"
                print(f"proxy: a request of {size / 1e6:.2f} MB takes {each}; {done / FOR_S:.0f}/s one after the other")


def lines(folder: Path, result: HeartRateResult) -> None:
    """Print how many lines a second a manifest takes, each on the disk before the next, and how long one is."""
    path = folder / "lines.jsonl"
    numbers = count()
    with BatchManifest(path) as manifest:
        before_s = time.process_time()
        done = _as_often(lambda: manifest.add(Entry(f"{next(numbers)}.mp4", 1, 1, "auto", "largest"), result))
        used_s = time.process_time() - before_s
    before_s = time.process_time()
    with BatchManifest(path):
        pass
    read_s = time.process_time() - before_s
    size = path.stat().st_size / done
    print(
        f"manifest: {done / FOR_S:.0f} lines/s, {1000 * used_s / done:.2f} CPU ms and {size:.0f} bytes each", end="; "
    )
    print(f"a million are {size / 1000:.1f} GB and cost {1e6 * read_s / done:.0f} CPU s to a run that goes on")


def listing(folder: Path) -> None:
    """Print what it takes to find the videos of a large folder."""
    for number in range(LISTED):
        (folder / f"{number}.mp4").touch()
    before_s = time.process_time()
    entries = [Entry.of(path, folder, model="auto", face="largest") for path in find_videos([str(folder)])]
    used_s, million = time.process_time() - before_s, 1e6 / len(entries)
    print(f"folder: a million files are found in {million * used_s:.0f} CPU s")


def jobs(folder: Path, result: HeartRateResult) -> None:
    """Print how many jobs a second their database takes from their beginning to their end."""
    store = JobStore(folder / "jobs.sqlite3", "bench", 3600.0)
    numbers, body = count(), result.to_json().encode()

    def one() -> None:
        job = Job(f"{next(numbers):032x}", "", "bench", "queued", time.time())
        store.add(job)
        store.begin(job.id)
        store.finish(job.id, body)

    done = _as_often(one)
    store.close()
    print(f"jobs: the database takes {done / FOR_S:.0f} a second, from beginning to end")


def _as_often(do: Callable[[], object]) -> int:
    """Do something for FOR_S seconds; return how often."""
    end, done = time.perf_counter() + FOR_S, 0
    while time.perf_counter() < end:
        do()
        done += 1
    return done


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = make_video(folder / "video.mp4")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; the video: {video.stat().st_size / 1e6:.2f} MB")
        for place in ("batch", "http", "proxy", "listing"):
            (folder / place).mkdir()
        for model in MODELS:
            print(f"batch {model:8} {batch(video, folder / 'batch', model):6.2f} CPU s a video")
        manifest = next((folder / "batch").glob("student-8/*.jsonl"))
        (line, *_) = manifest.read_text().splitlines()
        result = HeartRateResult.model_validate_json(line.partition('"result": ')[2][:-1])
        over_http(video, folder / "http")
        through_proxy(folder / "proxy", video.read_bytes())
        lines(folder, result)
        listing(folder / "listing")
        jobs(folder, result)
        shutil.rmtree(folder / "batch")


if __name__ == "__main__":
    main()
