from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from training.recorder.line import NUMBERS, TICKS, Reading, written
from training.recorder.stream import LineCounts, Sample, SampleStream

DRIFT = 2e-4
STEP_US = 10_000


def reading(index: int, *, first: int = 0, first_us: int = 0) -> Reading:
    return Reading((first + index) % NUMBERS, (first_us + index * STEP_US) % TICKS, index)


def came_s(index: int) -> float:
    return 100.0 + index * STEP_US * 1e-6 * (1 + DRIFT)


def feed(stream: SampleStream, readings: Iterable[tuple[int, Reading]]) -> list[Sample]:
    """Feed readings, each when the sample of its index comes."""
    return [sample for index, one in readings for sample in stream.feed(written(one), came_s(index))]


def test_samples_come_at_their_times_once_the_clocks_are_known() -> None:
    stream = SampleStream()
    assert feed(stream, ((i, reading(i)) for i in range(250))) == []
    samples = feed(stream, ((i, reading(i)) for i in range(250, 1000)))
    assert [sample.value for sample in samples] == list(range(1000))
    assert [sample.time_s for sample in samples] == pytest.approx([came_s(i) for i in range(1000)], abs=1e-6)
    assert stream.counts == LineCounts(good=1000)


def test_numbers_and_microseconds_begin_anew() -> None:
    stream = SampleStream()
    samples = feed(stream, ((i, reading(i, first=NUMBERS - 400, first_us=TICKS - 3_000_000)) for i in range(1000)))
    assert [sample.time_s for sample in samples] == pytest.approx([came_s(i) for i in range(1000)], abs=1e-6)
    assert stream.counts == LineCounts(good=1000)


def test_what_is_missing_damaged_or_sent_twice_is_counted() -> None:
    stream = SampleStream()
    for index in range(1000):
        line = written(reading(index))
        if index % 100 == 50:
            line = line.replace(b",", b";", 1)
        elif index % 100 == 60:
            line += line
        if index % 100 not in (70, 71):
            stream.feed(line, came_s(index))
    assert stream.counts == LineCounts(good=970, lost=30, damaged=10, repeated=10)


def test_lines_may_come_in_any_pieces() -> None:
    text = b"".join(written(reading(i)) for i in range(500))
    whole, pieces = SampleStream(), SampleStream()
    together = whole.feed(text, 200.0)
    apart = [sample for at in range(0, len(text), 7) for sample in pieces.feed(text[at : at + 7], 200.0)]
    assert [(s.value, s.board_us) for s in together] == [(s.value, s.board_us) for s in apart]
    assert pieces.counts == whole.counts == LineCounts(good=500)


def test_the_first_line_may_be_cut_off() -> None:
    stream = SampleStream()
    stream.feed(written(reading(0))[4:], came_s(0))
    feed(stream, ((i, reading(i)) for i in range(1, 10)))
    assert stream.counts == LineCounts(good=9)


def test_a_device_that_sends_something_else_fills_no_memory() -> None:
    stream = SampleStream()
    for _ in range(1000):
        assert stream.feed(b"\x00" * 100, 1.0) == []
    assert stream.counts.good == 0
    assert stream.counts.damaged > 100


@pytest.mark.parametrize("told", [True, False])
def test_a_board_that_begins_anew_goes_on(told: bool) -> None:
    """By itself, or unplugged for a second."""
    stream = SampleStream()
    before = feed(stream, ((i, reading(i, first_us=50_000_000)) for i in range(1000)))
    if told:
        stream.restart()
    after = feed(stream, ((1100 + i, reading(i)) for i in range(1000)))
    times_s = np.array([sample.time_s for sample in before + after])
    assert times_s == pytest.approx([came_s(i) for i in (*range(1000), *range(1100, 2100))], abs=1e-6)
    assert stream.counts == LineCounts(good=2000)


def test_times_rise_whatever_comes() -> None:
    stream, rng = SampleStream(), np.random.default_rng(0)
    late = np.maximum.accumulate([came_s(i) + rng.exponential(0.05) for i in range(3000)])
    samples = [s for i, at_s in enumerate(late) for s in stream.feed(written(reading(i)), at_s)]
    assert len(samples) == 3000
    assert all(before.time_s < after.time_s for before, after in pairwise(samples))
