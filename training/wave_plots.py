"""Figures 5 and 6 of Hwang, Park & Lee 2023: waves over each other and their spectra, for a good and for a bad case."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.pipeline.answers import HeartRate
from training.metrics import Array, band_power
from training.scores import Score
from training.scoring import z_scored
from training.takes import Reference

GOOD_BPM = 1.0  # the paper's good cases have at most this error
BAD_BPM = 10.0  # and its bad ones more than this
_SHOWN_S = 10.0


@dataclass(frozen=True, slots=True)
class Waves:
    """A wave and its reference, both float64 (N,), z-scored, sample i at start_s + i / fps; title: of the figure."""

    title: str
    true: Array
    wave: Array
    start_s: float
    fps: float

    @classmethod
    def of(cls, title: str, rate: HeartRate, reference: Reference) -> "Waves":
        """Return what a model says of a video, beside its reference."""
        true = reference.wave(rate.start_s, len(rate.bvp), rate.fps)
        return cls(title, z_scored(true), z_scored(rate.bvp), rate.start_s, rate.fps)


def good_and_bad(scores: Sequence[Score]) -> tuple[Score | None, Score | None]:
    """Return the median score of those within 1 bpm and of those off by more than 10, None where there is none."""
    ordered = sorted((s for s in scores if not s.error_code and s.true_bpm is not None), key=lambda s: s.error_bpm)
    good = [score for score in ordered if score.error_bpm <= GOOD_BPM]
    bad = [score for score in ordered if score.error_bpm > BAD_BPM]
    return _middle(good), _middle(bad)


def plot_waves(cases: Sequence[Waves], path: Path) -> None:
    """Draw each case's wave (blue) and reference (red), the first 10 s of them, and the power spectra of the whole."""
    figure = Figure(figsize=(11, 3.2 * len(cases)), layout="constrained")
    for (left, right), case in zip(figure.subplots(len(cases), 2, squeeze=False), cases, strict=True):
        _draw_waves(left, case)
        _draw_spectra(right, case)
    figure.savefig(path, dpi=110)


def _middle(scores: Sequence[Score]) -> Score | None:
    return scores[len(scores) // 2] if scores else None


def _draw_waves(spot: Axes, case: Waves) -> None:
    shown = int(_SHOWN_S * case.fps)
    times_s = case.start_s + np.arange(len(case.wave))[:shown] / case.fps
    spot.plot(times_s, case.wave[:shown], color="tab:blue", label="from video", linewidth=1)
    spot.plot(times_s, case.true[:shown], color="tab:red", label="reference", linewidth=1)
    spot.set(title=case.title, xlabel="s", ylabel="z-score")
    spot.legend(fontsize=8, loc="upper right")


def _draw_spectra(spot: Axes, case: Waves) -> None:
    for wave, colour in ((case.wave, "tab:blue"), (case.true, "tab:red")):
        freqs_hz, power = band_power(wave, case.fps)
        spot.plot(60 * freqs_hz, power / max(float(power.max()), 1e-12), color=colour, linewidth=1)
    spot.set(title="power spectra", xlabel="bpm", ylabel="relative power")
