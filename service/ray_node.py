"""What a process of Ray keeps for its next tasks: a worker with warm models takes seconds to start."""

import asyncio
import functools
import json
from dataclasses import dataclass

from service.settings import Settings
from service.wire import DEFAULT_ESTIMATOR
from service.workers import WorkerPool, patient_pool


@dataclass(frozen=True, slots=True)
class Node:
    """One worker process, which ends with the process of Ray that started it, and the event loop that talks to it."""

    runner: asyncio.Runner
    settings: Settings
    pool: WorkerPool


@functools.cache
def this_node(given: str = "{}", estimator: str = DEFAULT_ESTIMATOR) -> Node:
    """Return the worker of this process, started by the first call; `given` are settings (JSON) beside the node's own.

    Raises ValidationError for settings that do not fit here.
    """
    settings = Settings(**json.loads(given))
    runner = asyncio.Runner()

    async def start() -> WorkerPool:
        pool = patient_pool(settings, 1, estimator=estimator)
        pool.start()
        return pool

    return Node(runner, settings, runner.run(start()))
