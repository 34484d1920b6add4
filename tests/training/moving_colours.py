"""Small clips with a known pulse: still random colours that all blink with it, and noise."""

from pathlib import Path

import numpy as np

from training.clips import ClipWriter


def write_clips(folder: Path, count: int, *, frames: int = 64, seed: int = 0) -> Path:
    """Write a cache of `count` clips of 36x36 at 30 fps, people a and b by turns; return its folder."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 30
    with ClipWriter(folder, clips_per_shard=4, tag=f"s{seed}") as writer:
        for i in range(count):
            bpm = rng.uniform(60, 150)
            ppg = np.sin(2 * np.pi * bpm / 60 * t + rng.uniform(0, 6))
            still = rng.uniform(0.2, 0.8, (1, 3, 36, 36))
            rgb = still * (1 - 0.02 * ppg[:, None, None, None]) + rng.normal(0, 0.001, (frames, 3, 36, 36))
            comparable = np.arange(frames) != 20
            meta = {"bpm": float(bpm), "person": "ab"[i % 2], "fps": 30.0}
            writer.add(rgb.astype(np.float32), ppg.astype(np.float32), comparable, meta)
    return folder
