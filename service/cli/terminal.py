"""A live measurement in a terminal: the wave in blocks, the rate, and how far to trust it in a word."""

import math
import shutil
import sys
from collections import deque
from collections.abc import Sequence
from typing import TextIO

from facepulse import LiveUpdate
from service.cli.words import confidence_word

WAVE_S = 10.0
_ROWS = 6
_BLOCKS, _ASCII = " ▁▂▃▄▅▆▇█", " .:#"
_WORDS = {
    "no_face": "no face in view",
    "measuring": "measuring, hold still ...",
    "low_quality": "not reliable yet, hold still",
    "ok": "",
}
_CLEAR_LINE, _UP = "\x1b[2K", "\x1b[{}A"
_COLOURS = {"high": "\x1b[32m", "fair": "\x1b[33m", "low": "\x1b[31m"}
_PLAIN = "\x1b[0m"


def wave_rows(values: Sequence[float | None], width: int, rows: int = _ROWS, blocks: str = _BLOCKS) -> list[str]:
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


class Screen:
    """Draws each update over the one before; on what is no terminal it prints a line for each instead."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._blocks = _BLOCKS if "utf" in (self._out.encoding or "").lower() else _ASCII
        self._wave: deque[float | None] = deque()
        self._drawn = 0

    def show(self, update: LiveUpdate) -> None:
        """Show an update."""
        self._wave.extend(update.bvp.values)
        while len(self._wave) > WAVE_S * update.bvp.fps:
            self._wave.popleft()
        if self._is_terminal:
            self._draw(update)
        else:
            print(f"{update.time_s:7.1f} s  {said(update)}", file=self._out, flush=True)

    def _draw(self, update: LiveUpdate) -> None:
        width = max(20, min(shutil.get_terminal_size().columns - 1, 100))
        word = confidence_word(update.confidence)
        colour = _COLOURS[word] if update.bpm is not None else ""
        rows = wave_rows(list(self._wave), width, blocks=self._blocks)
        lines = [f"{colour}{said(update)}{_PLAIN}", *rows, facts(update)]
        lines.append("; ".join(warning.detail for warning in update.warnings)[:width])
        up = _UP.format(self._drawn) if self._drawn else ""
        print(up + "\n".join(_CLEAR_LINE + line for line in lines), file=self._out, flush=True)
        self._drawn = len(lines)


def said(update: LiveUpdate) -> str:
    """Say the rate and how far to trust it."""
    if update.bpm is None:
        return _WORDS[update.status] or "nothing can be said"
    word = confidence_word(update.confidence)
    hint = f"  {_WORDS[update.status]}" if _WORDS[update.status] else ""
    return f"{update.bpm:5.1f} bpm  confidence {word} ({update.confidence:.2f}){hint}"


def facts(update: LiveUpdate) -> str:
    """Say what was measured with."""
    lost = f", {update.dropped} frames dropped" if update.dropped else ""
    return f"{update.time_s:.0f} s, {update.fps:.0f} fps, {update.model.name} {update.model.version}{lost}"
