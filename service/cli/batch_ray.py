"""`batch --ray`: the tasks of a Ray cluster measure the videos, and this process alone writes what became of them.

Ray does a task again whose node is lost, maybe one that was almost done; its outcome comes here once all the same.
"""

import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from types import ModuleType
from typing import Any

from service.cli.batch_manifest import Entry
from service.cli.codes import CommandFailed
from service.cli.local_pool import Measured, WorkersUnavailable, measure_file
from service.cli.report import Report
from service.cli.rows import Failure
from service.ray_node import this_node
from service.settings import Settings
from service.wire import VideoTask
from service.worker_handle import WorkerDied

_KNOCK_S = 10.0
_MISSES = 3  # of a video that comes to nodes on which no worker starts
_LOST = Failure(WorkerDied.code, "The machines that worked on this video were lost, one after the other.")


class ClusterUnavailable(CommandFailed):
    """Ray is not installed here, the cluster cannot be reached, or its nodes cannot do this; says which."""

    code = "cluster_unavailable"


def measure_on_ray(
    address: str,
    settings: Settings,
    tasks: Mapping[Entry, VideoTask],
    report: Report[Entry],
    *,
    at_a_time: int | None,
    attempts: int,
) -> None:
    """Measure on the nodes, as many at a time as they have cores, and some more that wait there.

    settings: those that were set for this process go along, the others are each node's own.
    Raises ClusterUnavailable, or WorkersUnavailable when that is so on all nodes that were tried.
    """
    with _connected(address) as ray:
        nodes = _Nodes(ray, settings.model_dump_json(exclude_unset=True), attempts)
        waiting = iter(tasks.items())
        running: dict[Any, Entry] = {}
        missed: Counter[Entry] = Counter()
        while True:
            room = (at_a_time or _twice_the_cores(ray)) - len(running)  # asked each time: nodes come and go
            for entry, task in islice(waiting, max(room, 0)):
                running[nodes.begin(task)] = entry
            if not running:
                return
            for done in ray.wait(list(running), num_returns=1)[0]:
                entry = running.pop(done)
                try:
                    report.add(entry, nodes.outcome(done))
                except WorkersUnavailable:
                    missed[entry] += 1
                    if missed[entry] > _MISSES:
                        raise
                    running[nodes.begin_again(tasks[entry])] = entry


class _Nodes:
    """The nodes of a cluster, by the tasks that they are given; remembers one that has workers."""

    def __init__(self, ray: ModuleType, given: str, attempts: int) -> None:
        self._ray = ray
        self._given = given
        self._sound: str | None = None
        options = {"num_cpus": 1, "max_retries": attempts - 1, "retry_exceptions": [WorkerDied]}
        self._remote = ray.remote(**options, scheduling_strategy="SPREAD")(measure_on_node)

    def begin(self, task: VideoTask) -> Any:
        """Have a video measured on any node."""
        return self._remote.remote(self._given, task)

    def begin_again(self, task: VideoTask) -> Any:
        """Have a video measured that came to a node without workers: on one that has some, if one is known."""
        if self._sound is None:
            return self.begin(task)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        there = NodeAffinitySchedulingStrategy(self._sound, soft=True)
        return self._remote.options(scheduling_strategy=there).remote(self._given, task)

    def outcome(self, done: Any) -> Measured:
        """Return what became of a video. Raises WorkersUnavailable or ClusterUnavailable."""
        errors = self._ray.exceptions
        outcome: Measured
        try:
            self._sound, outcome = self._ray.get(done)
        except WorkersUnavailable:
            raise
        except WorkerDied as error:
            return Failure(error.code, error.detail)
        except errors.RayTaskError as error:
            cause = type(error.cause).__name__
            said = f"a node cannot do this ({cause}); is the same version installed on each?"
            raise ClusterUnavailable(said) from error
        except errors.RayError:
            return _LOST
        return outcome


def measure_on_node(given: str, task: VideoTask) -> tuple[str, Measured]:
    """Measure one video in a worker process under the service's limits; runs on a node. Return the node's id, too.

    Raises WorkerDied, as the node may be about to end, and another one is to try; or WorkersUnavailable.
    """
    import ray  # noqa: PLC0415

    node = this_node(given)
    outcome = node.runner.run(measure_file(node.pool, task))
    if isinstance(outcome, Failure) and outcome.code == WorkerDied.code:
        raise WorkerDied
    return ray.get_runtime_context().get_node_id(), outcome


@contextlib.contextmanager
def _connected(address: str) -> Iterator[ModuleType]:
    """Be a driver of the cluster for the length of the block; what still runs afterwards Ray ends."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a health service does not phone home
    try:
        import ray  # noqa: PLC0415
    except ImportError as error:
        raise ClusterUnavailable("Ray is not installed here: pip install 'facepulse[cluster]'") from error
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterUnavailable("no cluster answers there, or one with another Ray or Python than here") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError when nothing listens at HOST:PORT; Ray would wait there for many minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "://" not in address:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_S).close()


def _twice_the_cores(ray: ModuleType) -> int:
    return max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))
