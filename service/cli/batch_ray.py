"""`batch --ray`: the tasks of a Ray cluster measure the videos, and this process alone writes what became of them.

Ray does a task again whose node is lost, maybe one that was almost done; its outcome comes here once all the same.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from itertools import islice
from types import ModuleType
from typing import Any

from service.cli.batch_manifest import Entry
from service.cli.local_pool import Measured, WorkersUnavailable, measure_file
from service.cli.report import Report
from service.cli.rows import Failure
from service.ray_node import this_node
from service.settings import Settings
from service.wire import VideoTask
from service.worker_handle import WorkerDied

_KNOCK_S = 10.0
_LOST = Failure(WorkerDied.code, "The machines that worked on this video were lost, one after the other.")


class ClusterUnavailable(Exception):
    """Ray is not installed here, the cluster cannot be reached, or its nodes cannot do this; says which."""


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
    Raises ClusterUnavailable or WorkersUnavailable.
    """
    with _connected(address) as ray:
        remote = ray.remote(
            num_cpus=1,
            max_retries=attempts - 1,
            retry_exceptions=[WorkerDied, WorkersUnavailable],
            scheduling_strategy="SPREAD",
        )(measure_on_node)
        given = settings.model_dump_json(exclude_unset=True)
        waiting = iter(tasks.items())
        running: dict[Any, Entry] = {}
        while True:
            room = (at_a_time or _twice_the_cores(ray)) - len(running)  # asked each time: nodes come and go
            for entry, task in islice(waiting, max(room, 0)):
                running[remote.remote(given, task)] = entry
            if not running:
                return
            for done in ray.wait(list(running), num_returns=1)[0]:
                report.add(running.pop(done), _outcome(ray, done))


def measure_on_node(given: str, task: VideoTask) -> Measured:
    """Measure one video in a worker process under the service's limits; runs on a node.

    Raises WorkerDied or WorkersUnavailable, as the node may be about to end, and another one is to try.
    """
    node = this_node(given)
    outcome = node.runner.run(measure_file(node.pool, task))
    if isinstance(outcome, Failure) and outcome.code == WorkerDied.code:
        raise WorkerDied
    return outcome


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


def _outcome(ray: ModuleType, done: Any) -> Measured:
    try:
        outcome: Measured = ray.get(done)
    except WorkersUnavailable:
        raise
    except WorkerDied as error:
        return Failure(error.code, error.detail)
    except ray.exceptions.RayTaskError as error:
        cause = type(error.cause).__name__
        raise ClusterUnavailable(f"a node cannot do this ({cause}); is the same version installed on each?") from error
    except ray.exceptions.RayError:
        return _LOST
    return outcome
