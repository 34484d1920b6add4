"""Videos of jobs measured by tasks of Ray on any machine, each in a worker under the service's limits.

A task fetches its video piece by piece from the actor that has the jobs, so no folder is shared. Ray does a task again
whose machine is lost or whose worker died.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from secrets import token_hex
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from service import wire
from service.api.uploads import UploadFolder
from service.jobs.job import Failure
from service.ray_node import Node, this_node
from service.worker_handle import PoolError, QueueFull, TaskFailed, WorkerDied
from service.workers import Outcome

PIECE_BYTES = 4 << 20
_TRIES = 3  # of a job whose machine is lost, or whose worker dies


class TaskPool:
    """Has videos measured by tasks of Ray, which come back to the actor for their video and with their progress."""

    def __init__(self, estimator: str) -> None:
        self._actor = ray.get_runtime_context().current_actor
        self._estimator = estimator
        self._measure = ray.remote(
            num_cpus=1, max_retries=_TRIES - 1, retry_exceptions=[WorkerDied], scheduling_strategy="SPREAD"
        )(measure_job)
        self._told: dict[str, Callable[[wire.Progress], None]] = {}
        self.videos: dict[str, str] = {}  # paths by the token of their task

    async def run(
        self,
        task: wire.Task,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[wire.Progress], None] | None = None,
    ) -> Outcome:
        """Have a video measured. Raises a PoolError; cancelling it ends the task."""
        token = token_hex(16)
        self.videos[token] = task.path
        self._told[token] = on_progress or (lambda _: None)
        running = self._measure.remote(self._actor, token, task, timeout_s, self._estimator)
        try:
            ending = await running
        except asyncio.CancelledError:
            ray.cancel(running)
            raise
        except RayTaskError as error:
            raise WorkerDied if isinstance(error.cause, WorkerDied) else error from None
        except RayError as error:
            raise WorkerDied from error
        finally:
            del self.videos[token], self._told[token]
        if isinstance(ending, Failure):
            raise QueueFull if ending.code == QueueFull.code else TaskFailed(ending.code, ending.detail)
        return Outcome(ending, 0.0)

    def note(self, token: str, progress: wire.Progress) -> None:
        """Hear how far a task is; one that was done twice may speak late."""
        if token in self._told:
            self._told[token](progress)


def measure_job(
    actor: Any, token: str, task: wire.VideoTask, timeout_s: float | None, estimator: str
) -> bytes | Failure:
    """Measure a job's video in a worker under the service's limits; runs on any machine.

    Raises WorkerDied, as the machine may be about to end, and another one is to try.
    """
    node = this_node(estimator=estimator)
    return node.runner.run(_fetch_and_measure(node, actor, token, task, timeout_s))


async def _fetch_and_measure(
    node: Node, actor: Any, token: str, task: wire.VideoTask, timeout_s: float | None
) -> bytes | Failure:
    folder = UploadFolder(node.settings.uploads_folder)
    try:
        async with folder.new_file() as file:
            while piece := await actor.read.remote(token, file.size):
                file.append(piece)
                await file.flush()
            await file.flush(everything=True)

            def note(progress: wire.Progress) -> None:
                actor.note.remote(token, progress)

            here = replace(task, path=str(file.path))
            return (await node.pool.run(here, timeout_s=timeout_s, on_progress=note)).body
    except WorkerDied:
        raise
    except PoolError as error:
        return Failure(error.code, error.detail)
    finally:
        folder.close()
