import math

import pytest

from facepulse.blocks import wave_rows


def test_a_rising_line_rises() -> None:
    rows = wave_rows([index / 9 for index in range(10)], width=10, rows=2)
    assert rows[0].strip() == "▂▄▆█" or rows[0].endswith("█")
    assert rows[1].startswith("▁")
    assert all(len(row) == 10 for row in rows)


def test_a_gap_stays_empty() -> None:
    rows = wave_rows([0.0, 1.0, None, None, 0.0, 1.0], width=6)
    assert {row[2:4] for row in rows} == {"  "}


@pytest.mark.parametrize("values", [[], [None, None], [math.nan]])
def test_nothing_known_is_an_empty_picture(values: list[float | None]) -> None:
    assert wave_rows(values, width=8, rows=3) == [" " * 8] * 3


def test_a_flat_line_is_drawn() -> None:
    assert wave_rows([1.0] * 8, width=4)[-1] == "▁▁▁▁"
