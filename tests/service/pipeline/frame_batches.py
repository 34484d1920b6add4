"""The frames of a video as a batch: what its decoder gives, as RGB24 with its times."""

from pathlib import Path

import av
import numpy as np

from tests.service.pipeline.media import Rgb


def decode_rgb(path: Path, shrink: int = 1) -> tuple[Rgb, tuple[float, ...]]:
    """Return the frames of a video, uint8 (n, height, width, 3), `shrink` times smaller, and their times in seconds."""
    frames, times_s = [], []
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            width, height = picture.width // shrink, picture.height // shrink
            frames.append(picture.to_ndarray(format="rgb24", width=width, height=height))
            times_s.append(float(picture.time or 0))
    return np.stack(frames), tuple(times_s)


def crop(frames: Rgb, x0: int, y0: int, side: int) -> Rgb:
    """Return a square part of each frame; beyond the picture its edge is repeated."""
    rows = np.clip(np.arange(y0, y0 + side), 0, frames.shape[1] - 1)
    cols = np.clip(np.arange(x0, x0 + side), 0, frames.shape[2] - 1)
    part: Rgb = frames[:, rows[:, None], cols]
    return part
