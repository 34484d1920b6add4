from dataclasses import replace

import pytest

from service.pipeline.answers import HeartRate
from service.pipeline.progress import Progress, ProgressReport
from tests.service.estimates import make_face

RATE = make_face(72.0).heart_rate


class Course:
    """A measurement on a clock of its own, whose rate so far takes `cost_s` to find."""

    def __init__(self, rate: HeartRate | None = RATE, cost_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.asked_s: list[float] = []
        self.told: list[Progress] = []
        self._rate = rate
        self._cost_s = cost_s
        self.report = ProgressReport(self.told.append, self._so_far, clock=lambda: self.now_s)

    def _so_far(self) -> HeartRate | None:
        self.asked_s.append(self.now_s)
        self.now_s += self._cost_s
        return self._rate

    def run(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.report.update(self.now_s / end_s)
            self.now_s += 0.5


def test_the_share_is_told_each_time_the_rate_once_there_is_one() -> None:
    course = Course()
    course.run(3.0)
    assert [progress.bpm for progress in course.told] == [None, None, None, None, 72.0, 72.0]
    assert course.told[-1] == Progress(2.5 / 3, RATE.bpm, RATE.confidence)


def test_a_cheap_rate_is_asked_for_every_two_seconds() -> None:
    course = Course()
    course.run(10.0)
    assert course.asked_s == [2.0, 4.0, 6.0, 8.0]


def test_a_dear_rate_takes_a_fiftieth_of_the_time() -> None:
    course = Course(cost_s=1.0)
    course.run(500.0)
    assert len(course.asked_s) == 10


@pytest.mark.parametrize("rate", [None, replace(RATE, windows=())])
def test_no_rate_is_told_while_there_is_none(rate: HeartRate | None) -> None:
    course = Course(rate)
    course.run(5.0)
    assert {progress.bpm for progress in course.told} == {None}


def test_the_share_stays_a_share() -> None:
    course = Course()
    course.report.update(1.2)
    course.report.update(-0.1)
    assert [progress.share for progress in course.told] == [1.0, 0.0]
