from dataclasses import replace
from typing import get_args

from service.api.problems import PROBLEMS
from service.jobs.job import INTERRUPTED, Job, JobState

JOB = Job("1", "ann", "request", "queued", 1000.0)


def test_which_states_are_the_end() -> None:
    over = [state for state in get_args(JobState) if replace(JOB, state=state).is_over]
    assert over == ["done", "failed", "expired"]


def test_an_interrupted_job_can_be_tried_again() -> None:
    assert PROBLEMS[INTERRUPTED].status == 503


def test_a_result_is_not_shown_by_accident() -> None:
    assert "72.5" not in repr(replace(JOB, result=b"72.5"))
