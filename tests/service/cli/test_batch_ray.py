"""`facepulse batch --ray` on two nodes of this machine, one of which is killed at work."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service.api.schemas import HeartRateResult
from service.cli.batch import MANIFEST
from tests.service.cli.test_batch import Run, lines_of
from tests.service.cli.test_estimate import CLIP, METHOD
from tests.service.cli.test_many import HEARS_CTRL_C
from tests.service.ray_nodes import CLUSTER_MARKS, Nodes, is_at, two_nodes
from tests.service.server import ROOT, wait_until

pytestmark = CLUSTER_MARKS
GOOD = {f"{number}.mp4" for number in range(16)}


def start(folder: Path, address: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", HEARS_CTRL_C, "batch", str(folder), "--model", METHOD, "--ray", address]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=folder)


def ended(process: "subprocess.Popen[bytes]", folder: Path) -> Run:
    said = process.communicate(timeout=250)[1].decode()
    return Run(process.returncode, said, folder)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def survived(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run over a folder of good videos and a bad one, whose second node was killed in the middle."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    for name in GOOD:
        (folder / name).symlink_to(CLIP)
    process = start(folder, nodes.address)
    doomed = wait_until(nodes.workers_of_second, 120)
    wait_until(lambda: len((folder / MANIFEST).read_text().splitlines()) >= 3, 120)
    nodes.kill_second()
    assert len((folder / MANIFEST).read_text().splitlines()) < len(GOOD) // 2, "the node was killed too late"
    run = ended(process, folder)
    wait_until(lambda: not any(map(psutil.Process.is_running, doomed)))
    return run


def test_nothing_is_lost_and_nothing_is_twice(survived: Run) -> None:
    assert set(survived.lines()) == GOOD | {"text.mp4"}  # of which each has one line


def test_the_videos_of_the_killed_node_were_measured(survived: Run) -> None:
    lines = survived.lines()
    assert {name: lines[name]["status"] for name in GOOD} == dict.fromkeys(GOOD, "ok")
    assert {HeartRateResult.model_validate(lines[name]["result"]).bpm for name in GOOD} == {
        lines["0.mp4"]["result"]["bpm"]
    }


def test_a_bad_video_has_its_error(survived: Run) -> None:
    assert survived.lines()["text.mp4"]["error"]["code"] == "not_a_video"
    assert survived.code == 1


def test_it_tells_what_came_of_them(survived: Run) -> None:
    assert survived.said == "17 measured: 16 ok, 0 of low quality, 1 unusable\n"


def test_another_run_finds_it_done(survived: Run, nodes: Nodes) -> None:
    before = (survived.folder / MANIFEST).read_bytes()
    again = ended(start(survived.folder, nodes.address), survived.folder)
    assert (again.code, (survived.folder / MANIFEST).read_bytes()) == (0, before)


def test_ctrl_c_keeps_what_is_done_and_another_run_goes_on(nodes: Nodes, tmp_path: Path) -> None:
    for name in GOOD:
        (tmp_path / name).symlink_to(CLIP)
    manifest = tmp_path / MANIFEST
    process = start(tmp_path, nodes.address)
    wait_until(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 2, 120)
    process.send_signal(signal.SIGINT)
    assert ended(process, tmp_path).code == 130
    before = manifest.read_bytes()
    assert before.count(b"\n") < len(GOOD), "the signal came too late"
    assert ended(start(tmp_path, nodes.address), tmp_path).code == 0
    assert set(lines_of(manifest)) == GOOD
    assert manifest.read_bytes().startswith(before)


def test_a_node_without_workers_ends_nothing(nodes: Nodes, tmp_path: Path) -> None:
    for name in GOOD:
        (tmp_path / name).symlink_to(CLIP)
    poor = nodes.add_without_workers()
    process = start(tmp_path, nodes.address)
    wait_until(lambda: is_at("measure_on_node", poor) or process.poll() is not None, 150)
    assert process.poll() is None, "it ended before that node was asked"
    run = ended(process, tmp_path)
    assert (run.code, run.said) == (0, "16 measured: 16 ok, 0 of low quality, 0 unusable\n")


def test_no_cluster_is_1(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    run = ended(start(tmp_path, "127.0.0.1:1"), tmp_path)
    assert (run.code, run.said.split(" answers")[0]) == (1, "cluster_unavailable: no cluster")
    assert not run.lines()
