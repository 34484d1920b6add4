"""Tables of an evaluation, as Markdown: all clips, what confidence is worth, and the error by group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from training import metrics
from training.scores import Score, WindowScore, with_pulse

CONFIDENT = 0.8


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One model's answers for videos with a pulse: how many, their mean absolute error in bpm, and how many were `ok`.

    ok_bpm_mae: the error of those, None where there are none.
    """

    clips: int
    bpm_mae: float
    ok_share: float
    ok_bpm_mae: float | None

    @classmethod
    def of(cls, scores: Sequence[Score]) -> Self:
        """Sum up the scores of one model as by_model leaves them. Raises ValueError for none."""
        sure = [score for score in scores if score.status == "ok"]
        ok_bpm_mae = metrics.mae(*columns(sure)) if sure else None
        return cls(len(scores), metrics.mae(*columns(scores)), len(sure) / len(scores), ok_bpm_mae)

    @property
    def cells(self) -> list[str]:
        """Return MAE, share `ok` and MAE of those as cells of a table."""
        of_ok = "-" if self.ok_bpm_mae is None else f"{self.ok_bpm_mae:.2f}"
        return [f"{self.bpm_mae:.2f}", f"{self.ok_share:.0%}", of_ok]


def overall_table(scores: Sequence[Score]) -> str:
    """Return a row per model: clips, MAE, RMSE, r, median error, SNR, share said `ok` and the MAE of those."""
    rows = []
    for model, own in by_model(scores).items():
        figures = metrics.summary(*columns(own))
        mae, *of_ok = Accuracy.of(own).cells
        median = float(np.median([score.error_bpm for score in own]))
        snr_db = float(np.mean([score.snr_db for score in own]))
        numbers = [figures["rmse"], figures["r"], median, snr_db]
        rows.append([model, str(len(own)), mae, *(f"{n:.2f}" for n in numbers), *of_ok])
    return markdown(["model", "clips", "MAE", "RMSE", "r", "median error", "SNR dB", "`ok`", "MAE of `ok`"], rows)


def nearest_table(scores: Sequence[Score]) -> str:
    """Return how far a choice among the models' answers could get: for each clip that nearest to the truth, in one row.

    No one who measures knows which that is; what it misses none of them sees.
    """
    models = by_model(scores)
    answers = [score for own in models.values() for score in own]
    nearest = [min(s.error_bpm for s in answers if s.name == name) for name in dict.fromkeys(s.name for s in answers)]
    right = float(np.mean([error <= metrics.NEAR_BPM for error in nearest]))
    row = [f"the nearest of {len(models)}", str(len(nearest)), f"{np.mean(nearest):.2f}", f"{right:.1%}"]
    return markdown(["answer", "clips", "MAE", f"within {metrics.NEAR_BPM:g} bpm"], [row])


def coverage_table(scores: Sequence[Score]) -> str:
    """Return a row per model: how many clips got confidence >= 0.8, and how many of those are within 5 bpm."""
    rows = []
    for model, own in by_model(scores).items():
        sure = [score for score in own if score.confidence >= CONFIDENT]
        right = f"{metrics.within(*columns(sure), metrics.NEAR_BPM):.1%}" if sure else "-"
        rows.append([model, f"{len(sure) / len(own):.0%}", right])
    return markdown(["model", f"confidence >= {CONFIDENT}", f"of those within {metrics.NEAR_BPM:g} bpm"], rows)


def group_table(scores: Sequence[Score], group: str) -> str:
    """Return MAE, RMSE, r and mean SNR of each model (row) in each value of a group (column), with its clips."""
    values = sorted({score.groups[group] for score in scores if group in score.groups})
    rows = []
    for model, own in by_model(scores).items():
        parts = [[score for score in own if score.groups.get(group) == value] for value in values]
        rows.append([model, *(_figures(part) if part else "-" for part in parts)])
    first = next(iter(by_model(scores).values()), [])
    counts = [sum(score.groups.get(group) == value for score in first) for value in values]
    header = [f"MAE / RMSE / r / SNR dB by {group}"]
    return markdown(header + [f"{v} ({n})" for v, n in zip(values, counts, strict=True)], rows)


def _figures(scores: Sequence[Score]) -> str:
    figures = metrics.summary(*columns(scores))
    snr_db = float(np.mean([score.snr_db for score in scores]))
    return f"{figures['mae']:.2f} / {figures['rmse']:.2f} / {figures['r']:.2f} / {snr_db:.1f}"


def window_table(scores: Sequence[Score]) -> str:
    """Return a row per model: windows of 10 s, MAE, RMSE and share within 5 bpm of all, and of the confident ones."""
    rows = []
    for model, own in by_model(scores).items():
        windows = [window for score in own for window in score.windows]
        sure = [window for window in windows if window.confidence >= CONFIDENT]
        rows.append([model, str(len(windows)), *_window_cells(windows), f"{len(sure)}", *_window_cells(sure)])
    header = ["10-s windows", "windows", "MAE", "RMSE", "within 5 bpm"]
    return markdown([*header, f"confidence >= {CONFIDENT}", "their MAE", "RMSE", "within 5 bpm"], rows)


def _window_cells(windows: Sequence[WindowScore]) -> list[str]:
    if not windows:
        return ["-", "-", "-"]
    true, estimated = [window.true_bpm for window in windows], [window.bpm for window in windows]
    near = metrics.within(true, estimated, metrics.NEAR_BPM)
    return [f"{metrics.mae(true, estimated):.2f}", f"{metrics.rmse(true, estimated):.2f}", f"{near:.1%}"]


def by_model(scores: Iterable[Score]) -> dict[str, list[Score]]:
    """Return the scores of each model, without those of refused videos and of videos without a pulse."""
    table: dict[str, list[Score]] = {}
    for score in with_pulse(scores):
        if not score.error_code:
            table.setdefault(score.model, []).append(score)
    return table


def columns(scores: Sequence[Score]) -> tuple[list[float], list[float]]:
    """Return the true and the estimated heart rates in bpm, of videos with a pulse."""
    return [score.true_bpm for score in scores if score.true_bpm is not None], [score.bpm for score in scores]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
