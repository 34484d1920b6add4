"""A cluster that grows under load, and one whose first machine is lost."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.cli.test_batch import lines_of
from tests.service.cli.test_estimate import CLIP, METHOD
from tests.service.ray_nodes import CLUSTER_MARKS, serving, two_nodes
from tests.service.server import ROOT, VIDEO, wait_until
from tests.service.standin import SPEC

pytestmark = [*CLUSTER_MARKS, pytest.mark.timeout(900)]  # Ray is slow to start, and a busy machine slower


@dataclass(frozen=True)
class Machine:
    """The first and only machine of a cluster."""

    process: "subprocess.Popen[bytes]"
    url: str
    address: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def lose(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def environment(folder: Path) -> dict[str, str]:
    """Return what the service on a cluster is told."""
    return {
        "FACEPULSE_DATA_DIR": str(folder / "data"),
        "FACEPULSE_ALLOW_OPEN": "true",
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@contextlib.contextmanager
def first_machine(folder: Path) -> Iterator[Machine]:
    """Run a cluster of one machine with the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.service.one_node", str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, env=os.environ | environment(folder), stdout=subprocess.PIPE, stderr=log, cwd=folder
        )
    try:
        assert process.stdout is not None
        told = (line.decode().strip() for line in process.stdout)
        address = next((line for line in told if line[:1].isdigit()), "")
        assert address, (folder / "log").read_text()
        yield Machine(process, f"http://127.0.0.1:{port}", address)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def running_replicas() -> int:
    """Return how many replicas there are now."""
    from ray import serve  # noqa: PLC0415

    states: dict[Any, int] = serve.status().applications["default"].deployments["FacePulse"].replica_states
    return states.get("RUNNING", 0)


def test_replicas_come_when_requests_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.cluster import SCALING, application  # noqa: PLC0415

    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    over = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not over.is_set():
                client.post("/v1/heart-rate", files={"file": VIDEO}, data={"model": "sleep_short"})

    soon = SCALING | {"upscale_delay_s": 1.0}  # it is half a minute
    app = application({"estimator": SPEC, "autoscaling_config": soon})
    with two_nodes(cores=2) as nodes, serving(nodes, app) as url:
        assert running_replicas() == 1
        asking = [threading.Thread(target=ask, args=[url]) for _ in range(12)]
        for thread in asking:
            thread.start()
        try:
            wait_until(lambda: running_replicas() >= 3, 150)
        finally:
            over.set()
            for thread in asking:
                thread.join()


def test_with_the_first_machine_jobs_are_lost_and_said_to_be(tmp_path: Path) -> None:
    with first_machine(tmp_path) as machine, machine.client() as client:
        done = client.post("/v1/jobs", files={"file": VIDEO}).json()["links"]["self"]
        wait_until(lambda: client.get(done).json()["state"] == "done", 120)
        long = {"model": "sleep_long"}
        lost = [client.post("/v1/jobs", files={"file": VIDEO}, data=long).json()["links"]["self"] for _ in range(4)]
        wait_until(lambda: client.get(lost[0]).json()["state"] == "running")
        machine.lose()
    with first_machine(tmp_path) as machine, machine.client() as client:
        assert client.get(done).json()["result"]["bpm"] == 72.0
        told = [client.get(job).json() for job in lost]
        assert [(job["state"], job["problem"]["code"]) for job in told] == 4 * [("failed", "interrupted")]
        again = client.post("/v1/jobs", files={"file": VIDEO}).json()["links"]["self"]
        wait_until(lambda: client.get(again).json()["state"] == "done", 120)


def test_with_the_first_machine_a_batch_is_cut_off_and_goes_on(tmp_path: Path) -> None:
    videos = {f"{number}.mp4" for number in range(10)}
    (tmp_path / "videos").mkdir()
    for name in videos:
        (tmp_path / "videos" / name).symlink_to(CLIP)
    manifest = tmp_path / "videos" / "facepulse.jsonl"

    def start(machine: Machine) -> "subprocess.Popen[bytes]":
        words = ["batch", str(tmp_path / "videos"), "--model", METHOD, "--ray", machine.address]
        command = [sys.executable, "-m", "service.cli", *words]
        return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path)

    with first_machine(tmp_path) as machine:
        run = start(machine)
        wait_until(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 2, 240)
        run.kill()  # it was on that machine
        machine.lose()
        run.wait()
    before = manifest.read_bytes()
    assert before.count(b"\n") < len(videos), "it was lost too late"
    with first_machine(tmp_path) as machine:
        assert start(machine).wait(250) == 0
    assert set(lines_of(manifest)) == videos  # each has one line
    assert manifest.read_bytes().startswith(before)
