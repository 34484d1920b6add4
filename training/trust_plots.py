"""Plots of what confidence is worth, as PNG."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from training.metrics import NEAR_BPM
from training.plots import grid
from training.scores import Score
from training.tables import by_model
from training.trust import coverage, reliability


def plot_coverage(scores: Sequence[Score], path: Path) -> None:
    """Draw each model's mean absolute error over the share of videos that are answered, the most confident first."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    spot = figure.subplots()
    for model, own in by_model(scores).items():
        errors, shares = coverage(own)
        spot.plot(shares, errors, label=model, linewidth=1)
    spot.set(xlabel="share of videos, the most confident first", ylabel="MAE of these, bpm", xlim=(0, 1))
    spot.set_ylim(bottom=0)
    spot.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def plot_reliability(scores: Sequence[Score], path: Path) -> None:
    """Draw for each model how many answers of a confidence are right, videos without a pulse among them.

    On the line confidence is a probability; the bigger a point, the more answers it stands for.
    """
    models = list(dict.fromkeys(score.model for score in scores))
    figure, spots = grid(len(models))
    for spot, model in zip(spots, models, strict=False):
        bins = reliability(score for score in scores if score.model == model)
        most = max((one.count for one in bins), default=1)
        spot.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        spot.plot([one.confidence for one in bins], [one.right for one in bins], linewidth=0.8)
        spot.scatter([one.confidence for one in bins], [one.right for one in bins], [60 * b.count / most for b in bins])
        spot.set(title=model, xlabel="confidence", ylabel=f"share within {NEAR_BPM:g} bpm", xlim=(0, 1), ylim=(0, 1.05))
    figure.savefig(path, dpi=110)
