"""What confidence is worth: coverage, reliability, half and double rates, and videos in which there is no pulse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training import metrics
from training.scores import Score, without_pulse
from training.tables import CONFIDENT, by_model, columns, markdown

THRESHOLDS = (0.0, 0.3, 0.5, 0.8, 0.9)
MAYBE = 0.5
_HARMONIC_WITHIN = 0.05  # of the harmonic's rate
_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The scores of one range of confidence: their mean, the share that is right, and how many."""

    confidence: float
    right: float
    count: int


def is_multiple(score: Score, ratio: float) -> bool:
    """Return whether the answer is `ratio` times the true rate, within 5 %."""
    return score.true_bpm is not None and abs(score.bpm / (ratio * score.true_bpm) - 1) <= _HARMONIC_WITHIN


def coverage(scores: Sequence[Score]) -> tuple[metrics.Array, metrics.Array]:
    """Return the mean absolute errors (N,) of the most confident 1..N of one model's scores, and their shares (N,)."""
    ordered = sorted(scores, key=lambda score: -score.confidence)
    errors = np.array([score.error_bpm for score in ordered])
    counts = np.arange(1, len(ordered) + 1)
    return np.cumsum(errors) / counts, counts / max(len(ordered), 1)


def reliability(scores: Iterable[Score]) -> list[Bin]:
    """Return ten bins of confidence, without the empty ones; nothing is right where there is no pulse."""
    answered = [score for score in scores if not score.error_code]
    found = []
    for index in range(_BINS):
        own = [score for score in answered if min(int(score.confidence * _BINS), _BINS - 1) == index]
        if own:
            mean = float(np.mean([score.confidence for score in own]))
            found.append(Bin(mean, sum(score.right for score in own) / len(own), len(own)))
    return found


def threshold_table(scores: Sequence[Score]) -> str:
    """Return a row per model: of the videos with at least each confidence their share, MAE and how many are right."""
    rows = []
    for model, own in by_model(scores).items():
        cells = []
        for threshold in THRESHOLDS:
            sure = [score for score in own if score.confidence >= threshold]
            cells.append(_coverage_cell(sure, len(own)))
        rows.append([model, *cells])
    return markdown(
        ["share / MAE / right at confidence >=", *(f"{threshold:g}" for threshold in THRESHOLDS)],
        rows,
    )


def _coverage_cell(sure: Sequence[Score], of: int) -> str:
    if not sure:
        return "0% / - / -"
    right = sum(score.right for score in sure) / len(sure)
    return f"{len(sure) / of:.0%} / {metrics.mae(*columns(sure)):.2f} / {right:.1%}"


def harmonics_table(scores: Sequence[Score]) -> str:
    """Return a row per model: the shares of answers that are half or double the true rate, of all and of the sure."""
    rows = []
    for model, own in by_model(scores).items():
        sure = [score for score in own if score.confidence >= CONFIDENT]
        rows.append([model, *_harmonic_cells(own), *_harmonic_cells(sure)])
    sure_names = [f"{name} at confidence >= {CONFIDENT}" for name in ("half", "double")]
    return markdown(["model", "half", "double", *sure_names], rows)


def _harmonic_cells(scores: Sequence[Score]) -> list[str]:
    if not scores:
        return ["-", "-"]
    return [f"{sum(is_multiple(s, ratio) for s in scores) / len(scores):.1%} of {len(scores)}" for ratio in (0.5, 2.0)]


def pulseless_table(scores: Sequence[Score], group: str = "kind") -> str:
    """Return a row per model for videos without a pulse: how many were refused, got a confidence, and the highest.

    Then the highest confidence in each value of a group.
    """
    values = sorted({score.groups[group] for score in scores if group in score.groups})
    rows = []
    still = without_pulse(scores)
    for model in dict.fromkeys(score.model for score in still):
        own = [score for score in still if score.model == model]
        answered = [score for score in own if not score.error_code]
        shares = [
            f"{sum(score.confidence >= least for score in answered) / len(own):.1%}" for least in (MAYBE, CONFIDENT)
        ]
        rows.append([model, str(len(own)), str(len(own) - len(answered)), *shares, _highest(answered)])
        rows[-1] += [_highest([score for score in answered if score.groups.get(group) == value]) for value in values]
    named = [f"confidence >= {least}" for least in (MAYBE, CONFIDENT)]
    return markdown(["model", "videos", "refused", *named, "highest", *(f"highest, {v}" for v in values)], rows)


def _highest(scores: Sequence[Score]) -> str:
    return f"{max(score.confidence for score in scores):.2f}" if scores else "-"
