"""What reading and cropping cost over decoding alone: `python -m tests.benchmarks.bench_decode [CLIP]`.

Without a clip, a 60-s 640x480 30-fps H.264 clip with sensor noise is made. CPU seconds of this process, each way run in
turn and the least of the rounds taken, as ratios to decoding alone in the same rounds.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from service.cli.speed import decode_only
from service.pipeline.decode import VideoReader
from service.pipeline.types import Box
from tests.service.pipeline.media import Recipe, Rgb, gradient, write_video

ROUNDS = 3
BOX = Box(181.3, 92.7, 461.3, 372.7)  # 280 px, off the pixel grid as tracked faces are
CROP = 36


def noisy(index: int, width: int, height: int) -> Rgb:
    """Paint a picture with as much detail and noise as a webcam's."""
    rng = np.random.default_rng(index)
    noise = rng.normal(0, 3, (height, width, 3))
    picture: Rgb = np.clip(gradient(index, width, height) + noise, 0, 255).astype(np.uint8)
    return picture


def read(path: Path) -> int:
    """Read with VideoReader and drop the frames."""
    with VideoReader(path) as reader:
        return sum(1 for _ in reader.frames())


def read_and_crop(path: Path) -> int:
    """Read with VideoReader and average every frame's crop."""
    with VideoReader(path) as reader:
        return sum(frame.area_average(BOX, CROP, CROP).shape[0] == CROP for frame in reader.frames())


def filter_graph(pixel_format: str) -> Callable[[Path], int]:
    """Return a reader that crops and scales with FFmpeg's filters (the box rounded to whole pixels)."""

    def run(path: Path) -> int:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "SLICE"
            stream.codec_context.thread_count = 1
            graph = Graph()
            nodes = [
                graph.add_buffer(template=stream),
                graph.add("crop", "280:280:181:93:exact=1"),
                graph.add("scale", f"{CROP}:{CROP}:flags=area"),
                graph.add("format", pixel_format),
                graph.add("buffersink"),
            ]
            for before, after in pairwise(nodes):
                before.link_to(after)
            graph.configure()
            crops = 0
            for frame in container.decode(stream):
                graph.push(frame)
                crop = graph.pull()
                crops += len(bytes(crop.planes[0])) > 0
            return crops

    return run


WAYS: dict[str, Callable[[Path], int]] = {
    "PyAV decode only": decode_only,
    "VideoReader.frames": read,
    "VideoReader + area_average 36x36": read_and_crop,
    "filter graph crop+scale, rgb48le": filter_graph("rgb48le"),
    "filter graph crop+scale, gbrpf32le": filter_graph("gbrpf32le"),
}


def main(arguments: list[str]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(arguments[0]) if arguments else write_video(Path(folder) / "clip.mp4", _RECIPE, noisy)
        spent = {name: float("inf") for name in WAYS}
        frames = 0
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                start = time.process_time()
                frames = way(clip)
                spent[name] = min(spent[name], time.process_time() - start)
    base = spent["PyAV decode only"]
    print(f"{frames} frames\n{'way':36} {'CPU s':>7} {'us/frame':>9} {'ratio':>6}")
    for name, seconds in spent.items():
        print(f"{name:36} {seconds:7.3f} {seconds / frames * 1e6:9.1f} {seconds / base:6.3f}")


_RECIPE = Recipe(seconds=60, width=640, height=480, options=(("preset", "veryfast"), ("b", "2000000"), ("g", "60")))

if __name__ == "__main__":
    main(sys.argv[1:])
