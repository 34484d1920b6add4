"""Work spread over processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

from tqdm import tqdm

State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 64  # bounded: results wait in memory until they are taken
_state: Any = None


def spread(
    task: Callable[[State, Item], Result],
    items: Sequence[Item],
    *,
    make: Callable[[], State],
    jobs: int,
    unit: str,
) -> Iterator[Result]:
    """Yield task(state, item) for each item, in order, with a progress bar in `unit`s.

    Each of `jobs` processes makes its own state, once. All that is given must be picklable.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(make,))
    with pool, tqdm(total=len(items), unit=unit, disable=None) as bar:
        for first in range(0, len(items), _AT_ONCE):
            for result in pool.map(partial(_run, task), items[first : first + _AT_ONCE]):
                bar.update()
                yield result


def _start(make: Callable[[], State]) -> None:
    global _state  # noqa: PLW0603 - one per process
    _state = make()


def _run(task: Callable[[State, Item], Result], item: Item) -> Result:
    return task(_state, item)
