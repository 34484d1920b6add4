"""The curves of a run as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

Record = Mapping[str, float]
_SMOOTH = 25


def plot_curves(history: Sequence[Record], path: Path) -> None:
    """Write a PNG: the loss terms over the steps, and band correlation and heart-rate error of the validation clips."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    losses, validation = figure.subplots(2, 1, sharex=True)
    steps = [r for r in history if "total" in r]
    for name in sorted({key for r in steps for key in r} - {"step", "elapsed_s"}):
        points = [(r["step"], r[name]) for r in steps if name in r]
        at, values = (np.array(column) for column in zip(*points, strict=True))
        losses.plot(at, _smooth(values), label=name)
    losses.set_ylabel("loss, smoothed")
    if steps:
        losses.legend()
    checks = [r for r in history if "band_r" in r]
    at_checks = [r["step"] for r in checks]
    validation.plot(at_checks, [r["band_r"] for r in checks], "o-", color="tab:blue")
    validation.set_ylabel("validation: correlation in the band", color="tab:blue")
    validation.set_xlabel("step")
    errors = validation.twinx()
    errors.plot(at_checks, [r["bpm_mae"] for r in checks], "s--", color="tab:red")
    errors.set_ylabel("mean absolute error in bpm", color="tab:red")
    figure.savefig(path, dpi=100)


def _smooth(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the running mean over up to _SMOOTH values."""
    width = min(_SMOOTH, max(1, len(values) // 4))
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")
