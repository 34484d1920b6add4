import json
from collections.abc import Iterator

import pytest

from facepulse import Client, Job, JobFailed, NotFound, TookTooLong
from facepulse.jobs import EventReader, result_of, shown
from tests.facepulse.scripted import Answer, busy, scripted
from tests.service.server import VIDEO

RUNNING = {"id": "ab", "state": "running", "progress": 0.5, "bpm": 71.6}
FAILED = {"id": "ab", "state": "failed", "problem": {"code": "no_face", "status": 422, "detail": "No face."}}
NO_EVENTS = Answer(404, {"code": "not_found", "detail": "", "request_id": ""})


def test_a_job_is_done(client: Client) -> None:
    states: list[Job] = []
    job = client.submit(VIDEO, model="sleep_short")
    assert job.state in ("queued", "running")
    assert client.wait(job, progress=states.append).bpm == 72.0
    assert states[-1].state == "done"
    assert any(state.state == "running" for state in states), "events tell what is between"


def test_a_job_that_is_done_can_be_asked_for(client: Client) -> None:
    job = client.submit(VIDEO, face="all")
    client.wait(job.id)
    asked = client.job(job.id)
    assert (asked.state, asked.progress) == ("done", 1.0)
    assert asked.result is not None
    assert asked.result.faces is not None
    assert asked.expires_at is not None


def test_a_job_that_failed_raises(client: Client) -> None:
    job = client.submit(VIDEO, model="no_face")
    with pytest.raises(JobFailed) as failed:
        client.wait(job)
    assert (failed.value.code, failed.value.status) == ("no_face", 422)


def test_a_cancelled_job_is_gone(client: Client) -> None:
    job = client.submit(VIDEO, model="sleep_long")
    client.cancel(job)
    with pytest.raises(NotFound):
        client.wait(job)


def test_waiting_ends_in_time_and_the_job_goes_on(client: Client) -> None:
    job = client.submit(VIDEO, model="sleep_long")
    with pytest.raises(TookTooLong):
        client.wait(job, timeout_s=0.2)
    assert client.job(job).state in ("queued", "running")
    client.cancel(job)


def test_submitting_again_makes_no_second_job() -> None:
    with scripted(busy(), Answer(202, RUNNING)) as service, Client(service.url) as client:
        client.submit(VIDEO)
        first, second = (headers["idempotency-key"] for _, _, headers, _ in service.asked)
        assert first == second
        client.submit(VIDEO)
        assert service.asked[-1][2]["idempotency-key"] != first


def test_without_events_the_job_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facepulse.jobs.ASK_AGAIN_S", 0.01)
    answers = [NO_EVENTS, Answer(200, RUNNING), Answer(0), Answer(200, FAILED)]
    states: list[Job] = []
    with scripted(*answers) as service, Client(service.url) as client, pytest.raises(JobFailed, match="no_face"):
        client.wait("ab", progress=states.append)
    assert [state.state for state in states] == ["running", "failed"]


def test_an_expired_job_has_no_result() -> None:
    with pytest.raises(JobFailed, match="expired"):
        result_of(Job(id="ab", state="expired"))


def events(*lines: str) -> Iterator[Job | None]:
    reader = EventReader()
    return (reader.feed(line) for line in lines)


def test_an_event_is_a_state_of_the_job() -> None:
    told = list(events("id: end", "event: state", f"data: {json.dumps(RUNNING)}", ""))
    assert told[-1] is not None
    assert (told[-1].state, told[-1].bpm) == ("running", 71.6)


@pytest.mark.parametrize(
    "lines", [(":", ""), ("event: gone", "data: {}", ""), ("event: state", "data: oops", ""), ("data: {}", ""),
              ("event: state", "data: {}", "")]
)  # fmt: skip
def test_other_events_say_nothing(lines: tuple[str, ...]) -> None:
    assert set(events(*lines)) == {None}


def test_a_bar_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(True) as show:
        show(Job(id="ab", state="queued", position=3))
        show(Job(id="ab", state="running", progress=0.5))
        show(Job(id="ab", state="running", progress=0.9, bpm=71.6))
    said = capsys.readouterr().err
    assert " 90 % |" in said
    assert all(words in said for words in ("3 in line", "running", "72 bpm so far"))


def test_no_bar_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(False) as show:
        show(Job(id="ab", state="queued"))
    assert capsys.readouterr().err == ""
