"""Plots of an evaluation as PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.scores import Score
from training.tables import by_model


def plot_errors(scores: Sequence[Score], path: Path) -> None:
    """Draw estimated over true heart rate for each model, and the share of clips over their error."""
    models = by_model(scores)
    columns = (len(models) + 2) // 2
    figure = Figure(figsize=(3.2 * columns, 6.4), layout="constrained")
    spots = list(figure.subplots(2, columns, squeeze=False).flat)
    for spot, (model, own) in zip(spots, models.items(), strict=False):
        points = spot.scatter(
            [s.true_bpm for s in own], [s.bpm for s in own], c=[s.confidence for s in own], s=9, vmin=0, vmax=1
        )
        spot.plot([40, 180], [40, 180], color="grey", linewidth=0.8)
        spot.set(title=model, xlim=(35, 185), ylim=(35, 245), xlabel="true bpm", ylabel="estimated bpm")
        last = points
    figure.colorbar(last, ax=spots[len(models) - 1], label="confidence")
    _error_curves(spots[len(models)], models)
    for spare in spots[len(models) + 1 :]:
        spare.set_axis_off()
    figure.savefig(path, dpi=110)


def _error_curves(spot: Axes, models: dict[str, list[Score]]) -> None:
    for model, own in models.items():
        errors = np.sort([score.error_bpm for score in own])
        spot.plot(errors, np.arange(1, len(errors) + 1) / len(errors), label=model, linewidth=1)
    spot.set(title="share of clips", xlabel="error up to, bpm", xlim=(0, 30), ylim=(0, 1))
    spot.legend(fontsize=7)
