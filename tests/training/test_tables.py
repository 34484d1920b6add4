"""Tables on scores whose figures are known."""

from dataclasses import replace

from training.scores import Score, WindowScore
from training.tables import Accuracy, coverage_table, group_table, nearest_table, overall_table, window_table


def score(model: str, seed: int, error: float, confidence: float, tone: str = "light", code: str = "") -> Score:
    status = "ok" if confidence >= 0.5 else "low_quality"
    return Score(model, str(seed), {"skin tone": tone}, 70.0 + seed, 70.0 + seed + error, confidence, 3.0, status, code)


SCORES = [
    score("student", 0, 1.0, 0.9),
    score("student", 1, -3.0, 0.85, "dark"),
    score("student", 2, 20.0, 0.1, "dark"),
    score("student", 3, 99.0, 0.0, "dark", code="no_face"),
    score("green", 0, 10.0, 0.95),
]


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_all_clips_but_the_refused_are_in_the_mean() -> None:
    student = rows(overall_table(SCORES))[2]
    assert student[:3] == ["student", "3", "8.00"]
    assert student[-2:] == ["67%", "2.00"]


def test_accuracy_is_that_of_all_answers_and_of_the_usable_ones() -> None:
    student = [s for s in SCORES if s.model == "student" and not s.error_code]
    assert Accuracy.of(student) == Accuracy(3, 8.0, 2 / 3, 2.0)
    assert Accuracy.of(student[2:]).cells == ["20.00", "0%", "-"]


def test_the_nearest_answer_is_that_of_any_model() -> None:
    scores = [*SCORES, score("green", 2, -2.0, 0.0)]
    assert rows(nearest_table(scores))[2] == ["the nearest of 2", "3", "2.00", "100.0%"]  # errors of 1, 3 and 2


def test_coverage_counts_what_was_confident() -> None:
    table = rows(coverage_table(SCORES))
    assert table[2] == ["student", "67%", "100.0%"]
    assert table[3] == ["green", "100%", "0.0%"]


def test_a_group_has_its_own_mean_and_count() -> None:
    header, _, student, green = rows(group_table(SCORES, "skin tone"))
    assert header[1:] == ["dark (2)", "light (1)"]
    assert student[1:] == ["11.50 / 14.30 / 1.00 / 3.0", "1.00 / 1.00 / 0.00 / 3.0"]
    assert green[1:] == ["-", "10.00 / 10.00 / 0.00 / 3.0"]


def test_videos_without_a_pulse_are_in_no_table_of_errors() -> None:
    pulseless = replace(SCORES[0], true_bpm=None)
    assert overall_table([*SCORES, pulseless]) == overall_table(SCORES)


def test_a_group_that_some_videos_lack_counts_those_that_have_it() -> None:
    other = score("student", 9, 50.0, 0.9)
    assert group_table([*SCORES, replace(other, groups={})], "skin tone") == group_table(SCORES, "skin tone")


def test_windows_are_counted_over_all_videos() -> None:
    windows = (WindowScore(0.0, 60.0, 61.0, 0.9), WindowScore(1.0, 60.0, 67.0, 0.2))
    table = rows(window_table([replace(SCORES[0], windows=windows), replace(SCORES[1], windows=windows[:1])]))
    assert table[2] == ["student", "3", "3.00", "4.12", "66.7%", "2", "1.00", "1.00", "100.0%"]


def test_no_windows_are_no_figures() -> None:
    assert rows(window_table(SCORES[:1]))[2][1:3] == ["0", "-"]
