"""Balanced designs: which levels of several factors meet in each row, every pair of levels about equally often."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

Levels = tuple[str, ...]


def dealt(levels: Sequence[str], count: int) -> list[Levels]:
    """Return a column of `count` items with each level equally often, those at the list's start perhaps once more."""
    return [(level,) for level in islice(cycle(levels), count)]


def balanced_rows(columns: Sequence[Sequence[Levels]], rng: random.Random, *, swaps: int = 30_000) -> list[Levels]:
    """Join columns of equal length into rows in which levels of different columns meet nearly equally often.

    A column's items are one level, or several that stay together. Each column keeps its items and changes only their
    order: shuffled first, then two of them swapped wherever that makes no pair's counts less even. The rows are sorted
    so that each beginning of the list is as even in single levels as it can be.
    """
    shuffled = [rng.sample(list(column), len(column)) for column in columns]
    meetings = _Meetings(shuffled)
    rows = range(len(shuffled[0]))
    for _ in range(swaps):
        meetings.swap_if_no_worse(rng.randrange(len(shuffled)), rng.choice(rows), rng.choice(rows))
    return _evenly_begun([sum(items, ()) for items in zip(*shuffled, strict=True)])


class _Meetings:
    """How often each level of one column meets each level of another."""

    def __init__(self, columns: list[list[Levels]]) -> None:
        self._columns = columns
        self._counts = Counter(
            pair
            for column, items in enumerate(columns)
            for row, item in enumerate(items)
            for pair in self._pairs(column, item, row)
            if pair[0] == column  # each pair once
        )

    def swap_if_no_worse(self, column: int, a: int, b: int) -> None:
        """Swap rows a and b of a column unless the sum of squared counts grows, which is least when they are even."""
        items = self._columns[column]
        change = Counter([*self._pairs(column, items[a], b), *self._pairs(column, items[b], a)])
        change.subtract([*self._pairs(column, items[a], a), *self._pairs(column, items[b], b)])
        if sum(by * (2 * self._counts[pair] + by) for pair, by in change.items()) <= 0:
            items[a], items[b] = items[b], items[a]
            self._counts.update(change)

    def _pairs(self, column: int, item: Levels, row: int) -> Iterator[tuple[object, ...]]:
        """Yield the pairs of levels that an item of one column makes with the other columns' items in a row."""
        for second, others in enumerate(self._columns):
            if second == column:
                continue
            for place, level in enumerate(item):
                for other_place, other in enumerate(others[row]):
                    one, two = (column, place, level), (second, other_place, other)
                    yield (*one, *two) if column < second else (*two, *one)


def _evenly_begun(rows: list[Levels]) -> list[Levels]:
    """Sort rows: the next one is always that whose levels have been seen least, the first such."""
    seen: Counter[tuple[int, str]] = Counter()
    sizes = [len({row[place] for row in rows}) for place in range(len(rows[0]))]
    left, done = list(rows), list[Levels]()
    while left:
        best = min(left, key=lambda row: sum(seen[place, level] * sizes[place] for place, level in enumerate(row)))
        left.remove(best)
        done.append(best)
        seen.update(enumerate(best))
    return done
