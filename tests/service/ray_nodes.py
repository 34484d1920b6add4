"""Two Ray nodes on this machine, each a set of processes of its own, so that one can be killed."""

import contextlib
import importlib.util
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from tests.service.server import ROOT

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# A busy machine takes its time.
os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112
os.environ["RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S"] = "120"
os.environ["RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S"] = "120"
CLUSTER_MARKS = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed; `make cluster-test` does that"
    ),
]
_SMALL = {"object_store_memory": 100_000_000, "include_dashboard": False}


@dataclass(frozen=True)
class Nodes:
    """A cluster of a head and one more node."""

    cluster: Any
    second: Any

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def workers_of_second(self) -> list[psutil.Process]:
        """Return the service's workers that the second node started and that live."""
        return [p for p in processes_of(self.second) if "service.worker" in _command(p)]

    def add_without_workers(self) -> Any:
        """Add a node on which no worker starts, as it lacks the models."""
        broken = {"FACEPULSE_MODEL_STORE": "/nowhere", "FACEPULSE_WORKER_START_TIMEOUT_S": "2"}
        return self.cluster.add_node(num_cpus=1, env_vars=broken, **_SMALL)

    def kill_second(self) -> None:
        """End the second node as a power cut would."""
        self.cluster.remove_node(self.second, allow_graceful=False)


def processes_of(node: Any) -> list[psutil.Process]:
    """Return what runs on a node."""
    return psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True)


def is_at(task: str, node: Any) -> bool:
    """Whether a node does a task now."""
    return any(f"ray::{task}" in " ".join(_command(process)) for process in processes_of(node))


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def new_cluster(cores: int) -> Any:
    """Start a cluster of one node."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    return Cluster(initialize_head=True, head_node_args=_SMALL | {"num_cpus": cores})


@contextlib.contextmanager
def two_nodes(cores: int = 1) -> Iterator[Nodes]:
    """Run two nodes of so many cores, whose processes find the package and these tests."""
    os.environ["PYTHONPATH"] = str(ROOT)
    cluster = new_cluster(cores)
    try:
        yield Nodes(cluster, cluster.add_node(num_cpus=cores, **_SMALL))
    finally:
        cluster.shutdown()


@contextlib.contextmanager
def serving(nodes: Nodes, application: Any) -> Iterator[str]:
    """Run an application on the nodes, its door on the first; yield its URL. This process joins and leaves them."""
    import ray  # noqa: PLC0415
    from ray import serve  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    try:
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        serve.run(application)
        yield f"http://127.0.0.1:{port}"
        serve.shutdown()
    finally:
        ray.shutdown()
