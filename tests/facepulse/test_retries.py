import pytest

from facepulse.retries import Retries, retry_after_s


def test_the_service_says_when() -> None:
    pause_s = Retries().pause_s(1, 5.0)
    assert pause_s is not None
    assert 5.0 <= pause_s <= 6.25


def test_pauses_grow_where_it_does_not() -> None:
    pauses = [Retries(attempts=9, longest_wait_s=4.0).pause_s(attempt, None) or 0.0 for attempt in range(1, 7)]
    assert all(low <= pause <= 1.25 * low for low, pause in zip([0.5, 1, 2, 4, 4, 4], pauses, strict=True))


def test_pauses_differ() -> None:
    assert len({Retries().pause_s(1, 1.0) for _ in range(20)}) > 10


def test_attempts_end() -> None:
    assert Retries(attempts=2).pause_s(2, 0.0) is None
    assert Retries(attempts=1).pause_s(1, None) is None


def test_too_long_a_wait_is_none() -> None:
    assert Retries(longest_wait_s=10).pause_s(1, 11.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"), [("5", 5.0), ("0", 0.0), ("soon", None), ("-1", None), ("inf", None), ("nan", None)]
)
def test_the_header_is_a_number_of_seconds(header: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": header}) == seconds


def test_without_the_header_nothing_is_known() -> None:
    assert retry_after_s({}) is None
