"""A live measurement in a terminal: the wave in blocks, the rate, and how far to trust it in a word."""

import sys
from collections import deque
from typing import TextIO

from facepulse import LiveUpdate
from facepulse.blocks import Board
from service.cli.words import confidence_word

WAVE_S = 10.0
_WORDS = {
    "no_face": "no face in view",
    "measuring": "measuring, hold still ...",
    "low_quality": "not reliable yet, hold still",
    "ok": "",
}
_COLOURS = {"high": "\x1b[32m", "fair": "\x1b[33m", "low": "\x1b[31m"}
_PLAIN = "\x1b[0m"


class Screen:
    """Draws each update over the one before; on what is no terminal it prints a line for each instead."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._board = Board(self._out)
        self._wave: deque[float | None] = deque()

    def show(self, update: LiveUpdate) -> None:
        """Show an update."""
        self._wave.extend(update.bvp.values)
        while len(self._wave) > WAVE_S * update.bvp.fps:
            self._wave.popleft()
        if self._board.is_terminal:
            self._draw(update)
        else:
            print(f"{update.time_s:7.1f} s  {said(update)}", file=self._out, flush=True)

    def _draw(self, update: LiveUpdate) -> None:
        word = confidence_word(update.confidence)
        colour = _COLOURS[word] if update.bpm is not None else ""
        warned = "; ".join(warning.detail for warning in update.warnings)[: self._board.width]
        wave = self._board.wave(list(self._wave))
        self._board.draw([f"{colour}{said(update)}{_PLAIN}", *wave, facts(update), warned])


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
