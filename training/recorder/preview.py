"""What a recording looks like while it is made: the finger's wave and the counts, in the terminal.

In the terminal and not in a window or a page: it works on a board without a screen and over SSH, needs no other
package (the OpenCV in use here has no windows) and opens no port behind which a face could be seen.
"""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import TextIO

from facepulse.blocks import Board
from training.recorder.recording import WAVE_S, Moment, Tally

_DRAW_EVERY_S, _SAY_EVERY_S = 0.25, 5.0
_BINS = 200
_LOWEST_FPS = 25.0
_SILENT_S = 1.0


class Preview:
    """Draws each moment over the one before; on what is no terminal it prints a line every five seconds instead."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._board = Board(self._out)
        self._next_s = 0.0

    def show(self, moment: Moment) -> None:
        """Show a moment, if the last was shown long enough."""
        now_s = monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + (_DRAW_EVERY_S if self._board.is_terminal else _SAY_EVERY_S)
        lines = [counts(moment.tally), warning(moment)]
        if self._board.is_terminal:
            wave = self._board.wave(binned(moment.wave, moment.tally.time_s))
            self._board.draw([line[: self._board.width] for line in (lines[0], *wave, lines[1])])
        else:
            self._out.write("  ".join(filter(None, lines)) + "\n")
            self._out.flush()


def counts(tally: Tally) -> str:
    """Say how a recording goes."""
    minutes, seconds = divmod(int(tally.time_s), 60)
    return (
        f"{minutes:02d}:{seconds:02d}  {tally.fps:.1f} fps, {tally.frames} frames, {tally.dropped} dropped; "
        f"{tally.samples} samples, {tally.lost} lost, {tally.damaged} lines damaged"
    )


def warning(moment: Moment) -> str:
    """Say what is wrong now, or nothing."""
    tally = moment.tally
    silent = not moment.wave or moment.wave[-1][0] < tally.time_s - _SILENT_S
    faults = {
        "the camera is unplugged": not tally.camera_here,
        "no pictures of the first one's size come": tally.camera_here and tally.frame_s < tally.time_s - _SILENT_S,
        "the sensor is unplugged": not tally.sensor_here,
        "no samples come": tally.sensor_here and silent,
        f"less than {_LOWEST_FPS:g} fps: more light, or a smaller picture": 0 < tally.fps < _LOWEST_FPS * 0.98,
    }
    return "; ".join(fault for fault, is_so in faults.items() if is_so)


def binned(wave: Sequence[tuple[float, int]], now_s: float) -> list[float | None]:
    """Return the last ten seconds of a wave of (time_s, value) on an even grid, None where there is no sample."""
    bins: list[float | None] = [None] * _BINS
    for time_s, value in wave:
        index = int((time_s - now_s + WAVE_S) * _BINS / WAVE_S)
        if 0 <= index < _BINS:
            bins[index] = value
    return bins
