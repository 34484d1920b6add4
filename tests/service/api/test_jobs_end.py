"""What becomes of jobs in time, and with the service that has them."""

import signal
from pathlib import Path

from tests.service.api.job_requests import ask, listen, reaches, submit
from tests.service.server import running_server, wait_until


def test_results_expire(tmp_path: Path) -> None:
    with running_server(tmp_path, job_ttl_s=2) as server:
        job = submit(server)
        assert [name for _, name, _ in listen(server, job)][-1] == "result"
        expired = reaches(server, job, "expired")
        assert (expired["result"], expired["problem"]) == (None, None)
        wait_until(lambda: b'"bpm"' not in (server.data_dir / "jobs.sqlite3").read_bytes())
        wait_until(lambda: ask(server, job).status_code == 404, 30)


def test_what_becomes_of_jobs_when_a_service_is_ended_and_when_it_is_killed(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=30) as server:
        ends, waits = submit(server, model="sleep_short"), submit(server)
        reaches(server, ends, "running")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert list(server.data_dir.glob("uploads-*")) == []
    with running_server(tmp_path) as server:
        done = ask(server, ends).json()
        assert done["state"] == "done"
        assert ask(server, waits).json()["problem"]["code"] == "interrupted"
        killed = [submit(server, model="sleep_long"), submit(server)]
        reaches(server, killed[0], "running")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
        assert len(server.uploads()) == 2
    with running_server(tmp_path, wait_for_workers=False) as server:
        for job in killed:
            failed = ask(server, job).json()
            assert (failed["state"], failed["problem"]["code"]) == ("failed", "interrupted")
        assert ask(server, ends).json() == done
        assert server.uploads() == []


def test_an_ended_service_does_not_wait_for_a_long_job_and_tells_who_listens(tmp_path: Path) -> None:
    with running_server(tmp_path, shutdown_s=2) as server:
        job = submit(server, model="sleep_long")
        reaches(server, job, "running")
        events = listen(server, job)
        assert next(events)[2]["state"] == "running"
        server.process.send_signal(signal.SIGTERM)
        assert list(events)[-1][2]["problem"]["code"] == "interrupted"
        assert server.process.wait(60) == 0
        assert not any(line["level"] == "ERROR" for line in server.log())
