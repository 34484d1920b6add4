"""How far a run over many videos is, on stderr, and what came of it."""

from collections import Counter
from collections.abc import Callable
from typing import Generic, Self, TypeVar

from tqdm import tqdm

from service.cli.codes import OK, UNUSABLE
from service.cli.local_pool import Measured
from service.cli.rows import Failure

T = TypeVar("T")


class Report(Generic[T]):
    """Has each outcome written at once, so that a run that is killed can be resumed; shows a bar, and counts."""

    def __init__(self, write: Callable[[T, Measured], None], total: int) -> None:
        self._counts: Counter[str] = Counter()
        self._write = write
        self._bar = tqdm(total=total, unit="video", disable=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, video: T, outcome: Measured) -> None:
        """Write what became of a video."""
        self._write(video, outcome)
        self._counts["error" if isinstance(outcome, Failure) else outcome.status] += 1
        self._bar.update()

    @property
    def exit_code(self) -> int:
        """1 when one of them could not be used."""
        return UNUSABLE if self._counts["error"] else OK

    def summary(self, passed_over: int) -> str:
        """Say what came of them, in one line."""
        counts = self._counts
        said = f"{counts.total()} measured: {counts['ok']} ok, {counts['low_quality']} of low quality"
        said = f"{said}, {counts['error']} unusable"
        return f"{said}; {passed_over} were there already" if passed_over else said
