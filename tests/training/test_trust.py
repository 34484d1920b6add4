"""What confidence is worth, on scores whose figures are known."""

from dataclasses import replace

import pytest

from tests.training.test_tables import SCORES, rows, score
from training.scores import Score
from training.trust import (
    coverage,
    harmonics_table,
    is_multiple,
    pulseless_table,
    reliability,
    threshold_table,
)


def pulseless(model: str, name: int, confidence: float, kind: str, code: str = "") -> Score:
    return replace(score(model, name, 0.0, confidence, code=code), true_bpm=None, groups={"kind": kind})


@pytest.mark.parametrize(
    ("bpm", "half", "double"), [(96.0, False, True), (100.7, False, True), (101.0, False, False), (24.5, True, False)]
)
def test_half_and_double_are_within_5_percent(bpm: float, half: bool, double: bool) -> None:
    answer = replace(SCORES[0], true_bpm=48.0, bpm=bpm)
    assert (is_multiple(answer, 0.5), is_multiple(answer, 2.0)) == (half, double)


def test_nothing_is_a_multiple_of_no_pulse() -> None:
    assert not is_multiple(pulseless("a", 1, 0.9, "lamp"), 2.0)


def test_the_most_confident_are_covered_first() -> None:
    errors, shares = coverage([score("a", 0, 9.0, 0.1), score("a", 1, 1.0, 0.9), score("a", 2, 2.0, 0.5)])
    assert errors == pytest.approx([1.0, 1.5, 4.0])
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_confidence_is_held_against_what_is_right() -> None:
    low, high, _ = reliability([*SCORES[:3], pulseless("student", 7, 0.87, "lamp"), SCORES[3]])
    assert (low.right, low.count) == (0.0, 1)
    assert low.confidence == pytest.approx(0.1)
    assert (high.count, high.right) == (2, 0.5)


def test_a_refused_video_is_in_no_bin() -> None:
    assert reliability([SCORES[3]]) == []


def test_full_confidence_has_a_bin() -> None:
    (full,) = reliability([score("a", 0, 0.0, 1.0)])
    assert (full.confidence, full.right) == (1.0, 1.0)


def test_thresholds_cover_less_and_less() -> None:
    student = rows(threshold_table(SCORES))[2]
    assert student[1] == "100% / 8.00 / 66.7%"
    assert student[4] == "67% / 2.00 / 100.0%"
    assert student[5] == "33% / 1.00 / 100.0%"


def test_half_and_double_are_counted_for_all_and_for_the_sure() -> None:
    doubled = replace(score("student", 5, 75.0, 0.95), true_bpm=75.0, bpm=150.0)
    student = rows(harmonics_table([*SCORES, doubled]))[2]
    assert student[1:] == ["0.0% of 4", "25.0% of 4", "0.0% of 3", "33.3% of 3"]


def test_confidence_without_a_pulse_is_counted_by_kind() -> None:
    scores = [
        pulseless("a", 1, 0.9, "lamp"),
        pulseless("a", 2, 0.6, "face"),
        pulseless("a", 3, 0.1, "face"),
        pulseless("a", 4, 0.0, "noise", code="no_face"),
    ]
    header, _, row = rows(pulseless_table(scores))
    assert header[-3:] == ["highest, face", "highest, lamp", "highest, noise"]
    assert row == ["a", "4", "1", "50.0%", "25.0%", "0.90", "0.60", "0.90", "-"]
