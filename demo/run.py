"""The demonstration: start the service, send it the bundled clip over HTTP, compare with the known truth, draw it."""

import csv
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks
from tqdm import tqdm

from service.api.schemas import HeartRateResult
from service.plot import save_plot

HERE = Path(__file__).resolve().parent
CLIP = HERE / "astronaut.mp4"
TRUTH = HERE / "astronaut.csv"  # columns time_s, ppg
PICTURE = Path("demo-out", "pulse.png")
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
MIN_BEAT_S = 60 / 240

# trust_env=False below: a proxy of the network has no part in what this machine says to itself.
Array = NDArray[np.float64]


def main() -> int:
    """Run the demonstration; 0 when the service answered with a result."""
    response = measure(CLIP)
    if response.status_code != httpx.codes.OK:
        print(f"the service answered {response.status_code}: {response.text}", file=sys.stderr)
        return 1
    result = HeartRateResult.model_validate_json(response.content)
    beats_s = beats(*read_truth(TRUTH))
    report(result, beats_s)
    save_plot(result, PICTURE, truth=truth_by_window(result, beats_s))
    print(f"picture      {PICTURE}")
    return 0


def measure(clip: Path) -> httpx.Response:
    """Start the service, send it the clip, stop it; return what it answered."""
    PICTURE.parent.mkdir(exist_ok=True)
    with running_service() as url:
        return post_clip(url, clip)


def read_truth(path: Path) -> tuple[Array, Array]:
    """Return times in seconds and the pulse wave that was rendered into the clip."""
    with path.open(newline="") as file:
        rows = [(float(row["time_s"]), float(row["ppg"])) for row in csv.DictReader(file)]
    table = np.array(rows, np.float64)
    return table[:, 0], table[:, 1]


def beats(time_s: Array, ppg: Array) -> Array:
    """Return the times of the heart beats (s): the wave's tall peaks, between samples by a parabola through three."""
    step_s = float(np.median(np.diff(time_s)))
    peaks, _ = find_peaks(ppg, distance=max(1, round(MIN_BEAT_S / step_s)), prominence=0.4 * np.ptp(ppg))
    before, at, after = ppg[peaks - 1], ppg[peaks], ppg[peaks + 1]
    shift = 0.5 * (before - after) / np.minimum(before - 2 * at + after, -np.finfo(np.float64).tiny)
    return np.asarray(time_s[peaks] + shift * step_s, np.float64)


def true_bpm(beats_s: Array, start_s: float, end_s: float) -> float:
    """Return the mean heart rate of a span: beats counted in fractions, over the part between first and last beat."""
    start_s, end_s = max(start_s, beats_s[0]), min(end_s, beats_s[-1])
    count = np.interp([start_s, end_s], beats_s, np.arange(len(beats_s)))
    return float(60 * (count[1] - count[0]) / (end_s - start_s))


def truth_by_window(result: HeartRateResult, beats_s: Array) -> list[tuple[float, float]]:
    """Return (middle in s, true bpm) of each window of the result."""
    spans = [(window.start_s, window.end_s) for window in result.windows]
    return [((start_s + end_s) / 2, true_bpm(beats_s, start_s, end_s)) for start_s, end_s in spans]


@contextmanager
def running_service() -> Iterator[str]:
    """Start the service on a free port of this machine and yield its address once it is ready; stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "service.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    log_path = PICTURE.parent / "service.log"
    with log_path.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url, process, log_path)
            yield url
        finally:
            stop(process)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Ask /readyz until it says yes. Leaves with a message when the service ends or takes too long."""
    began = time.monotonic()
    while time.monotonic() - began < START_TIMEOUT_S and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK:
                print(f"service      {url}, ready after {time.monotonic() - began:.1f} s")
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.1)
    sys.exit(f"the service did not start; it said:\n{log_path.read_text(errors='replace')[-2000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the service as an operator would, with SIGTERM; by force when it does not listen."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def post_clip(url: str, clip: Path) -> httpx.Response:
    """Send the clip and wait for the answer, with the time passing on a terminal."""
    with ThreadPoolExecutor(1) as pool, clip.open("rb") as file:
        began = time.monotonic()
        upload = {"file": (clip.name, file)}
        answer = pool.submit(httpx.post, f"{url}/v1/heart-rate", files=upload, timeout=180, trust_env=False)
        with tqdm(bar_format=f"sending and measuring {clip.name}  {{elapsed}}", leave=False, disable=None) as bar:
            while not answer.done():
                bar.refresh()
                time.sleep(0.1)
        print(f"answered     after {time.monotonic() - began:.1f} s")
        return answer.result()


def report(result: HeartRateResult, beats_s: Array) -> None:
    """Print the result beside the truth."""
    video, model, windows = result.video, result.model, result.windows
    truth = true_bpm(beats_s, windows[0].start_s, windows[-1].end_s)
    print(f"clip         {CLIP.name}, {video.duration_s:.1f} s, {video.width}x{video.height}, {video.fps:.1f} fps")
    print(f"model        {model.name} {model.version}\n")
    print(f"heart rate   {result.bpm:.1f} bpm      known truth {truth:.1f} bpm")
    print(f"confidence   {result.confidence:.2f} of 1")
    print(f"status       {result.status.replace('_', ' ')}")


if __name__ == "__main__":
    sys.exit(main())
