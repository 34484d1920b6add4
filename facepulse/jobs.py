"""Waiting for a job, without I/O: its server-sent events, its end, and a bar that shows how far it is."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from facepulse.errors import JobFailed, TookTooLong
from facepulse.parse import UnexpectedShape, parse
from facepulse.results import HeartRateResult, Job

ASK_AGAIN_S = 2.0
SILENCE_S = 30.0  # the service sends a sign of life every 10 s
Progress: TypeAlias = bool | Callable[[Job], object]


class EventReader:
    """Lines of an event stream in, states of the job out (WHATWG HTML, server-sent events)."""

    def __init__(self) -> None:
        self._event = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Job | None:
        """Take the next line; return the job when it ends an event that tells of it."""
        name, _, value = line.partition(":")
        if name == "event":
            self._event = value.removeprefix(" ")
        elif name == "data":
            self._data.append(value.removeprefix(" "))
        elif not line:
            return self._end()
        return None

    def _end(self) -> Job | None:
        event, data, self._event, self._data = self._event, self._data, "", []
        if event not in ("state", "progress"):
            return None
        try:
            return parse(Job, json.loads("\n".join(data)))
        except (ValueError, UnexpectedShape):
            return None  # whoever waits asks for the job when the events end


class Deadline:
    """A time after which nobody waits any more; None for ever."""

    def __init__(self, timeout_s: float | None) -> None:
        self._end_s = None if timeout_s is None else time.monotonic() + timeout_s

    def check(self) -> None:
        """Raise TookTooLong when the time is over; the job goes on."""
        if self._end_s is not None and time.monotonic() > self._end_s:
            raise TookTooLong("timeout", detail="the job was not done in time; it goes on")


def result_of(job: Job) -> HeartRateResult:
    """Return the result of a job that is over. Raises JobFailed."""
    if job.result is not None:
        return job.result
    problem = job.problem
    if problem is None:
        raise JobFailed(job.state, detail=f"the job is {job.state} and has no result")
    raise JobFailed(problem.code, problem.status, problem.detail, request_id=problem.request_id)


@contextmanager
def shown(progress: Progress) -> Iterator[Callable[[Job], object]]:
    """Yield what to call with each state: the caller's function, a bar on stderr for True, nothing for False."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda job: None
        return
    from tqdm import tqdm  # noqa: PLC0415

    with tqdm(total=100, leave=False, bar_format="{percentage:3.0f} % |{bar}| {elapsed} {desc}") as bar:

        def show(job: Job) -> None:
            bar.n = 100 * job.progress
            bar.set_description_str(_in_words(job))

        yield show


def _in_words(job: Job) -> str:
    if job.state == "queued":
        return "next" if job.position == 1 else "waiting" if job.position is None else f"{job.position} in line"
    return job.state if job.bpm is None else f"{job.bpm:.0f} bpm so far"
