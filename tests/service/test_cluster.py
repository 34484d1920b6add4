"""The service on two Ray nodes of this machine, one of which is killed at work; the stand-in measures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.keys import KeysUnusable
from tests.service.ray_nodes import CLUSTER_MARKS, Nodes, serving, two_nodes
from tests.service.server import VIDEO, wait_until
from tests.service.standin import SPEC

pytestmark = CLUSTER_MARKS


@dataclass(frozen=True)
class Served:
    """The service with a replica on each node."""

    url: str
    nodes: Nodes
    folder: Path

    def client(self) -> httpx.Client:
        """Return a client; each has connections of its own."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def submit(self, model: str, **headers: str) -> Any:
        with self.client() as client:
            answer = client.post("/v1/jobs", files={"file": ("me.mp4", VIDEO)}, data={"model": model}, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job_id: str) -> Any:
        with self.client() as client:
            answer = client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self, job_id: str) -> Any:
        wait_until(lambda: self.job(job_id)["state"] not in ("queued", "running"), 120)
        return self.job(job_id)

    def videos(self) -> list[Path]:
        return [path for path in self.folder.glob("data/uploads-*/*") if path.name != "lock"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from service.cluster import application  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("cluster")
    (folder / "store").mkdir()
    (folder / "store" / "active.json").write_text('{"default": "student", "models": {}}')
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FACEPULSE_MODEL_STORE", str(folder / "store"))
        environment.setenv("FACEPULSE_DATA_DIR", str(folder / "data"))
        environment.setenv("FACEPULSE_ALLOW_OPEN", "true")
        two = {"autoscaling_config": {"min_replicas": 2, "max_replicas": 2}, "max_replicas_per_node": 1}
        with two_nodes(cores=2) as nodes, serving(nodes, application({"estimator": SPEC} | two)) as url:
            yield Served(url, nodes, folder)


def test_a_video_is_measured(served: Served) -> None:
    with served.client() as client:
        answer = client.post("/v1/heart-rate", files={"file": ("me.mp4", VIDEO)})
    assert (answer.status_code, answer.json()["bpm"]) == (200, 72.0)


def test_a_bad_video_is_a_problem(served: Served) -> None:
    with served.client() as client:
        answer = client.post("/v1/heart-rate", files={"file": ("me.mp4", b"no video")})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (415, "not_a_video")


def test_every_replica_knows_a_job(served: Served) -> None:
    job_id = served.submit("sleep_short")["id"]
    assert {served.job(job_id)["id"] for _ in range(20)} == {job_id}
    ended = served.ended(job_id)
    assert (ended["state"], ended["result"]["bpm"]) == ("done", 72.0)


def test_a_job_tells_its_progress(served: Served) -> None:
    job_id = served.submit("sleep_longer")["id"]
    with served.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
        told = [line.removeprefix("event: ") for line in events.iter_lines() if line.startswith("event: ")]
    assert "progress" in told
    assert told[-1] == "result"


def test_a_bad_job_fails_by_name(served: Served) -> None:
    ended = served.ended(served.submit("no_face")["id"])
    assert (ended["state"], ended["problem"]["type"].rpartition("/")[2]) == ("failed", "no_face")


def test_a_job_that_kills_is_tried_again_and_fails(served: Served) -> None:
    ended = served.ended(served.submit("die")["id"])
    assert (ended["state"], ended["problem"]["type"].rpartition("/")[2]) == ("failed", "worker_died")


def test_the_same_request_is_the_same_job(served: Served) -> None:
    first = served.submit("sleep_short", **{"Idempotency-Key": "once"})
    assert served.submit("sleep_short", **{"Idempotency-Key": "once"})["id"] == first["id"]


def test_a_deleted_job_is_gone_everywhere(served: Served) -> None:
    job_id = served.submit("sleep_long")["id"]
    with served.client() as client:
        assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    for _ in range(10):
        with served.client() as client:
            assert client.get(f"/v1/jobs/{job_id}").status_code == 404


def test_a_killed_node_loses_no_job(served: Served) -> None:
    wait_until(lambda: not served.videos())
    before = served.nodes.workers_of_second()
    jobs = [served.submit("sleep_longer")["id"] for _ in range(6)]
    wait_until(lambda: any(served.job(job)["state"] == "running" for job in jobs))
    assert before, "its replica has a worker"
    served.nodes.kill_second()
    ended = [served.ended(job) for job in jobs]
    assert [(job["state"], job["problem"]) for job in ended] == 6 * [("done", None)]
    with served.client() as client:
        answer = client.post("/v1/heart-rate", files={"file": ("me.mp4", VIDEO)})
    assert answer.status_code == 200


def test_no_video_stays(served: Served) -> None:
    wait_until(lambda: not served.videos())


def test_without_keys_there_is_no_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    from service.cluster import build_app  # noqa: PLC0415

    monkeypatch.delenv("FACEPULSE_ALLOW_OPEN", raising=False)
    with pytest.raises(KeysUnusable):
        build_app(SPEC)
