"""A clip of coloured noise with the wave of one heart rate, which its pixels do not show."""

import numpy as np

from training.clips import TrainingClip


def one(frames: int = 160, bpm: float = 90.0) -> TrainingClip:
    """Return (frames, 3, 4, 4) at 30 fps."""
    rng = np.random.default_rng(0)
    ppg = np.sin(2 * np.pi * bpm / 60 * np.arange(frames) / 30).astype(np.float32)
    rgb = rng.uniform(0.2, 0.8, (frames, 3, 4, 4)).astype(np.float32)
    return TrainingClip(rgb, ppg, np.ones(frames, np.bool_), {"bpm": bpm, "person": "p", "fps": 30.0})
