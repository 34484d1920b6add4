import pytest

from training.scores import Score


@pytest.mark.parametrize(("bpm", "error"), [(70.0, 0.0), (64.5, 5.5), (75.5, 5.5)])
def test_the_error_has_no_sign(bpm: float, error: float) -> None:
    assert Score("student", 1, {}, 70.0, bpm, 0.9, 3.0, "ok").error_bpm == error
