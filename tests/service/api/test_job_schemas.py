import json
from typing import Any

import pytest

from service.api.job_schemas import JobStatus, event, job_json
from service.jobs.job import Failure, Job, JobState
from service.wire import Progress
from tests.service.estimates import make_result

RUNNING = Job("f" * 32, "ann", "request", "running", 1000.0, 1001.0, progress=Progress(0.51234, 72.06, 0.912))


def told(job: Job, *, result: bool = True) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(job_json(job, 3600.0, result=result))
    return fields


def ended(result: bytes | None = None, failure: Failure | None = None) -> Job:
    state: JobState = "failed" if failure else "done"
    return Job("1", "ann", "request", state, 1000.0, 1001.0, 1002.5, result=result, failure=failure)


def test_a_running_job() -> None:
    assert told(RUNNING) == {
        "id": "f" * 32,
        "state": "running",
        "position": None,
        "progress": 0.5123,
        "bpm": 72.1,
        "confidence": 0.91,
        "created_at": "1970-01-01T00:16:40Z",
        "started_at": "1970-01-01T00:16:41Z",
        "finished_at": None,
        "expires_at": None,
        "links": {"self": f"/v1/jobs/{'f' * 32}", "events": f"/v1/jobs/{'f' * 32}/events"},
        "problem": None,
        "result": None,
    }


def test_a_waiting_job_has_a_place() -> None:
    job = told(Job("1", "ann", "request", "queued", 1000.0, position=3))
    assert (job["position"], job["progress"], job["started_at"]) == (3, 0.0, None)


def test_a_result_is_told_as_it_was_stored() -> None:
    result = make_result().to_json().encode()
    job = told(ended(result))
    assert job["result"] == json.loads(result)
    assert (job["progress"], job["bpm"]) == (1.0, None)
    assert (job["finished_at"], job["expires_at"]) == ("1970-01-01T00:16:42.500000Z", "1970-01-01T01:16:42.500000Z")
    JobStatus.model_validate(job)


def test_a_result_may_be_left_out() -> None:
    assert told(ended(b"{}"), result=False)["result"] is None


def test_a_failure_is_a_problem() -> None:
    problem = told(ended(failure=Failure("no_face", "words")))["problem"]
    assert problem["type"] == "/problems/no_face"
    assert (problem["status"], problem["detail"], problem["request_id"]) == (422, "words", "request")


def test_the_name_of_the_key_is_not_told() -> None:
    assert b"ann" not in job_json(RUNNING, 1.0)


@pytest.mark.parametrize(("last", "expected"), [(False, b""), (True, b"id: end\n")])
def test_an_event(last: bool, expected: bytes) -> None:
    assert event("state", b'{"a":1}', last=last) == expected + b'event: state\ndata: {"a":1}\n\n'
