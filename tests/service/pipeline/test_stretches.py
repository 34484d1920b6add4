import numpy as np
import pytest

from service.pipeline.stretches import Told, first_from, part, since_loss, whole_seconds
from service.pipeline.types import Pulse


def pulse(count: int, *, start_s: float = 2.0, invalid: tuple[range, ...] = ()) -> Pulse:
    """Return samples 0, 1, 2 ... at 10 Hz."""
    valid = np.ones(count, np.bool_)
    for gap in invalid:
        valid[list(gap)] = False
    return Pulse(np.arange(count, dtype=np.float32), valid, start_s, 10.0, "wave")


@pytest.mark.parametrize(("time_s", "index"), [(-9, 0), (2.0, 0), (2.05, 1), (2.1, 1), (6.9, 49), (7, 50), (99, 50)])
def test_the_first_sample_from_a_time_on(time_s: float, index: int) -> None:
    assert first_from(pulse(50), time_s) == index


def test_nothing_comes_before_the_end_of_time() -> None:
    assert first_from(pulse(50), float("-inf")) == 0


def test_a_part_knows_when_it_is() -> None:
    piece = part(pulse(50), 10, 20)
    assert piece.samples.tolist() == list(range(10, 20))
    assert piece.start_s == pytest.approx(3.0)


def test_each_sample_is_told_once() -> None:
    told = Told()
    assert told.take(part(pulse(50), 0, 20)).values.tolist() == list(range(20))
    again = told.take(part(pulse(50), 5, 30))
    assert again.values.tolist() == list(range(20, 30))
    assert again.start_s == pytest.approx(4.0)
    assert not len(told.take(part(pulse(50), 5, 30)).values)


def test_what_is_not_valid_is_told_as_nan() -> None:
    values = Told().take(pulse(5, invalid=(range(1, 3),))).values
    assert np.flatnonzero(np.isnan(values)).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("invalid", "begin"),
    [((), 0), ((range(10, 25),), 0), ((range(10, 31),), 31), ((range(30),), 30), ((range(50),), 50)],
)
def test_a_long_loss_is_where_it_begins_anew(invalid: tuple[range, ...], begin: int) -> None:
    since = since_loss(pulse(50, invalid=invalid), 2.0)
    assert len(since.samples) == 50 - begin
    assert since.start_s == pytest.approx(2 + begin / 10)


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (9, 0), (10, 10), (57, 50), (999, 200)])
def test_whole_seconds_end_at_the_newest_sample(count: int, kept: int) -> None:
    whole = whole_seconds(pulse(count), 20)
    assert whole.samples.tolist() == list(range(count - kept, count))
