"""Drawings in a terminal: waves as columns of blocks, each drawing over the one before."""

import math
import shutil
from collections.abc import Sequence
from typing import TextIO

ROWS = 6
BLOCKS, ASCII = " ▁▂▃▄▅▆▇█", " .:#"
_CLEAR_LINE, _UP = "\x1b[2K", "\x1b[{}A"


def wave_rows(values: Sequence[float | None], width: int, rows: int = ROWS, blocks: str = BLOCKS) -> list[str]:
    """Draw values as columns of blocks, the largest as high as there are rows; None and NaN leave a gap."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return [" " * width] * rows
    low, spread = min(known), max(max(known) - min(known), 1e-9)
    steps = len(blocks) - 1
    heights = [0.0] * width
    for column in range(width):
        part = values[column * len(values) // width : max((column + 1) * len(values) // width, 1)]
        there = [value for value in part if value is not None and math.isfinite(value)]
        if there:
            heights[column] = 1 + (rows * steps - 1) * (sum(there) / len(there) - low) / spread
    return [
        "".join(blocks[max(0, min(steps, round(h) - row * steps))] for h in heights) for row in reversed(range(rows))
    ]


class Board:
    """Lines of a terminal that are drawn again and again in the same place.

    is_terminal: whether `out` is one; to what is not, lines should be printed one after the other.
    """

    def __init__(self, out: TextIO) -> None:
        self.is_terminal = out.isatty()
        self._out = out
        self._blocks = BLOCKS if "utf" in (out.encoding or "").lower() else ASCII
        self._drawn = 0

    @property
    def width(self) -> int:
        """Columns that a line may take."""
        return max(20, min(shutil.get_terminal_size().columns - 1, 100))

    def wave(self, values: Sequence[float | None]) -> list[str]:
        """Draw values as wide as the terminal, in characters that it knows."""
        return wave_rows(values, self.width, blocks=self._blocks)

    def draw(self, lines: Sequence[str]) -> None:
        """Draw lines over those drawn before."""
        up = _UP.format(self._drawn) if self._drawn else ""
        self._out.write(up + "\n".join(_CLEAR_LINE + line for line in lines) + "\n")
        self._out.flush()
        self._drawn = len(lines)
