"""Plots of scores as PNG: estimates over truth, Bland-Altman, error by group."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training import metrics
from training.scores import Score
from training.tables import by_model, columns

LIMITS_OF_AGREEMENT = 1.96  # standard deviations: 95 % of normal differences


def plot_errors(scores: Sequence[Score], path: Path) -> None:
    """Draw estimated over true heart rate for each model, and the share of clips over their error."""
    models = by_model(scores)
    figure, spots = grid(len(models) + 1)
    for spot, (model, own) in zip(spots, models.items(), strict=False):
        points = spot.scatter(*columns(own), c=[s.confidence for s in own], s=9, vmin=0, vmax=1)
        spot.plot([40, 180], [40, 180], color="grey", linewidth=0.8)
        spot.set(title=model, xlim=(35, 185), ylim=(35, 245), xlabel="true bpm", ylabel="estimated bpm")
        last = points
    figure.colorbar(last, ax=spots[len(models) - 1], label="confidence")
    _error_curves(spots[len(models)], models)
    figure.savefig(path, dpi=110)


def plot_bland_altman(scores: Sequence[Score], path: Path) -> None:
    """Draw each model's difference over the mean of estimate and truth, with its mean and limits of agreement."""
    models = by_model(scores)
    figure, spots = grid(len(models))
    for spot, (model, own) in zip(spots, models.items(), strict=False):
        true, estimated = (np.array(column) for column in columns(own))
        bias, spread = float((estimated - true).mean()), LIMITS_OF_AGREEMENT * metrics.std(*columns(own))
        spot.scatter((estimated + true) / 2, estimated - true, s=9, alpha=0.6)
        for level, style in ((bias, "-"), (bias - spread, "--"), (bias + spread, "--")):
            spot.axhline(level, color="grey", linestyle=style, linewidth=0.8)
        title = f"{model}: {bias:+.1f}, {bias - spread:+.1f} to {bias + spread:+.1f}"
        spot.set(title=title, xlabel="mean of estimate and truth, bpm", ylabel="estimate - truth, bpm")
    figure.savefig(path, dpi=110)


def plot_groups(scores: Sequence[Score], path: Path) -> None:
    """Draw each model's mean absolute error in each value of each group, with the number of clips."""
    models = by_model(scores)
    groups = list(dict.fromkeys(name for score in scores for name in score.groups))
    figure = Figure(figsize=(9, 2.6 * max(len(groups), 1)), layout="constrained")
    for spot, group in zip(figure.subplots(max(len(groups), 1), 1, squeeze=False).flat, groups, strict=False):
        _bars(spot, group, models)
    figure.legend(models, loc="outside upper center", ncols=5, fontsize=8)
    figure.savefig(path, dpi=100)


def grid(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` plots in two rows, the first of more than there are if that is odd."""
    across = max((count + 1) // 2, 1)
    figure = Figure(figsize=(3.2 * across, 6.4), layout="constrained")
    spots: list[Axes] = list(figure.subplots(2, across, squeeze=False).flat)
    for spare in spots[count:]:
        spare.set_axis_off()
    return figure, spots


def _bars(spot: Axes, group: str, models: dict[str, list[Score]]) -> None:
    values = sorted({score.groups[group] for own in models.values() for score in own if group in score.groups})
    width = 0.8 / max(len(models), 1)
    for index, own in enumerate(models.values()):
        errors = [[score.error_bpm for score in own if score.groups.get(group) == value] for value in values]
        at = np.arange(len(values)) + (index - (len(models) - 1) / 2) * width
        spot.bar(at, [float(np.mean(some)) if some else 0.0 for some in errors], width)
    first = next(iter(models.values()), [])
    counts = [sum(score.groups.get(group) == value for score in first) for value in values]
    spot.set_xticks(range(len(values)), [f"{v} ({n})" for v, n in zip(values, counts, strict=True)], fontsize=8)
    spot.set(title=group, ylabel="MAE, bpm")


def _error_curves(spot: Axes, models: dict[str, list[Score]]) -> None:
    for model, errors in _sorted_errors(models):
        spot.plot(errors, np.arange(1, len(errors) + 1) / len(errors), label=model, linewidth=1)
    spot.set(title="share of clips", xlabel="error up to, bpm", xlim=(0, 30), ylim=(0, 1))
    spot.legend(fontsize=7)


def _sorted_errors(models: dict[str, list[Score]]) -> Iterator[tuple[str, metrics.Array]]:
    for model, own in models.items():
        yield model, np.sort([score.error_bpm for score in own])
