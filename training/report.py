"""All tables of one set of scores."""

from collections.abc import Sequence

from training.scores import Score
from training.tables import coverage_table, group_table, nearest_table, overall_table, window_table
from training.trust import harmonics_table, threshold_table


def accuracy_tables(scores: Sequence[Score]) -> list[str]:
    """Return the tables of videos with a pulse: all, the nearest, windows, confidence, harmonics, and by group."""
    groups = dict.fromkeys(name for score in scores for name in score.groups)
    return [
        overall_table(scores),
        nearest_table(scores),
        window_table(scores),
        coverage_table(scores),
        threshold_table(scores),
        harmonics_table(scores),
        *(group_table(scores, name) for name in groups),
    ]
