"""A result as a picture: the pulse wave, its power spectrum and the heart rate of each window.

matplotlib comes with the extra `plot` and is imported only when a picture is drawn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.signal import periodogram

from service.api.schemas import HeartRateResult
from service.pipeline.spectrum import BAND_HZ

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND_BPM = (60 * BAND_HZ[0], 60 * BAND_HZ[1])  # 42 to 240
STEP_BPM = 0.5  # the spectrum is drawn at least this fine
MIN_SPAN_BPM = 20.0  # of the bpm axis, so that noise of 0.1 bpm does not look like drama
RED, GREY, BLUE = "#c0392b", "#8a8f98", "#2c6fbb"


class PlotUnavailable(RuntimeError):
    """matplotlib is not installed; says how to change that. No error of the pipeline: nothing is wrong with a video."""


def require_matplotlib() -> None:
    """Raise PlotUnavailable where no picture can be drawn."""
    try:
        import matplotlib.figure  # noqa: PLC0415, F401
    except ImportError as error:
        raise PlotUnavailable("pictures need matplotlib: pip install 'facepulse[plot]'") from error


def save_plot(result: HeartRateResult, path: Path, *, truth: Sequence[tuple[float, float]] = ()) -> None:
    """Draw a result into a PNG file; `truth` is the known heart rate as (time_s, bpm).

    Raises PlotUnavailable, or OSError when the file cannot be written.
    """
    require_matplotlib()
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11, 6.4), dpi=110, layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.15))
    figure.suptitle(_headline(result), fontsize=14, fontweight="bold", x=0.01, ha="left")
    _draw_wave(figure.add_subplot(grid[0, :]), result)
    _draw_spectrum(figure.add_subplot(grid[1, 0]), result)
    _draw_windows(figure.add_subplot(grid[1, 1]), result, truth)
    figure.savefig(path, format="png")


def spectrum(values: NDArray[np.float64], fps: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return bpm and relative power (0..1) of a wave of `fps` samples per second, within the heart's band."""
    length = max(len(values), int(np.ceil(60 * fps / STEP_BPM)))
    hz, power = periodogram(values, fps, window="hann", nfft=length)
    inside = (hz * 60 >= BAND_BPM[0]) & (hz * 60 <= BAND_BPM[1])
    bpm, power = hz[inside] * 60, power[inside]
    return bpm, power / max(float(power.max(initial=0.0)), np.finfo(np.float64).tiny)


def _headline(result: HeartRateResult) -> str:
    status = result.status.replace("_", " ")
    model = f"{result.model.name} {result.model.version}".rstrip()
    return f"{result.bpm:.1f} bpm, confidence {result.confidence:.2f}, {status} ({model})"


def _draw_wave(axes: "Axes", result: HeartRateResult) -> None:
    bvp = result.bvp
    axes.plot(bvp.start_s + np.arange(len(bvp.values)) / bvp.fps, bvp.values, color=RED, linewidth=1.4)
    axes.margins(x=0.005)
    _label(axes, "Blood volume pulse (BVP)", "time in s", "standard deviations")


def _draw_spectrum(axes: "Axes", result: HeartRateResult) -> None:
    bpm, power = spectrum(np.array(result.bvp.values, np.float64), result.bvp.fps)
    axes.fill_between(bpm, power, color=RED, alpha=0.25, linewidth=0)
    axes.plot(bpm, power, color=RED, linewidth=1.4)
    if power.any():
        peak = int(power.argmax())
        axes.plot(bpm[peak], power[peak], "o", color=RED)
        right = bpm[peak] < sum(BAND_BPM) / 2
        axes.annotate(
            f"peak {bpm[peak]:.1f} bpm",
            (bpm[peak], power[peak]),
            xytext=(8 if right else -8, -4),
            textcoords="offset points",
            ha="left" if right else "right",
            color=RED,
        )
    axes.set_xlim(*BAND_BPM)
    axes.set_ylim(0, 1.1)
    _label(axes, "Power spectrum of the whole wave", "frequency in bpm", "relative power")


def _draw_windows(axes: "Axes", result: HeartRateResult, truth: Sequence[tuple[float, float]]) -> None:
    times = [(window.start_s + window.end_s) / 2 for window in result.windows]
    rates = [window.bpm for window in result.windows]
    if truth:
        axes.plot(*zip(*truth, strict=True), color=GREY, marker="s", markersize=4, linewidth=2, label="known truth")
    axes.plot(times, rates, "o-", color=BLUE, markersize=5, linewidth=1, label="measured")
    shown = rates + [bpm for _, bpm in truth]
    if shown:
        middle, half = (min(shown) + max(shown)) / 2, max((max(shown) - min(shown)) * 0.6, MIN_SPAN_BPM / 2)
        axes.set_ylim(middle - half, middle + half)
        axes.legend(loc="upper right", frameon=False)
    _label(axes, "Heart rate per window", "middle of the window in s", "bpm")


def _label(axes: "Axes", title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
