"""A balanced design meets its factors' levels evenly, alone and in pairs, and is always the same."""

import random
from collections import Counter
from itertools import combinations

from training.design import balanced_rows, dealt

ROWS = balanced_rows(
    [dealt("abcd", 60), dealt("12345", 60), [("x", "y"), ("x", "z"), ("w", "z")] * 20], random.Random(3), swaps=3000
)


def test_levels_are_dealt_in_turn() -> None:
    assert dealt("ab", 3) == [("a",), ("b",), ("a",)]


def test_each_level_is_there_as_often_as_it_was_given() -> None:
    assert Counter(row[0] for row in ROWS) == dict.fromkeys("abcd", 15)
    assert Counter(row[1] for row in ROWS) == dict.fromkeys("12345", 12)


def test_levels_that_belong_together_stay_together() -> None:
    assert Counter(row[2:] for row in ROWS) == {("x", "y"): 20, ("x", "z"): 20, ("w", "z"): 20}


def test_pairs_of_levels_meet_nearly_equally_often() -> None:
    for first, second in combinations(range(3), 2):
        for (one, other), count in Counter((row[first], row[second]) for row in ROWS).items():
            even = sum(row[first] == one for row in ROWS) * sum(row[second] == other for row in ROWS) / len(ROWS)
            assert abs(count - even) <= 1


def test_a_part_of_the_rows_is_even_too() -> None:
    assert set(Counter(row[0] for row in ROWS[:8]).values()) <= {1, 2, 3}
    assert set(Counter(row[1] for row in ROWS[:10]).values()) <= {1, 2, 3}


def test_the_same_seed_gives_the_same_rows() -> None:
    columns = [dealt("ab", 12), dealt("xyz", 12)]
    assert balanced_rows(columns, random.Random(5), swaps=50) == balanced_rows(columns, random.Random(5), swaps=50)
