"""Frames and a crop box in, clips on the model's time grid out: the only preprocessing there is.

Training imports it, so a model is never served crops of another make than those it learned from.

Sample times are the frames' own. The crops are joined by straight lines in time, and each grid sample is the mean of
that line over one period of the grid, centred on the sample. Variable frame rates thus cost nothing, a faster video
loses noise instead of frames, and the flicker of a 60-fps video under 50-Hz lamps is damped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from service.pipeline.frame import Frame
from service.pipeline.types import Box, Clip, Floats, InputSpec

CHUNK_FRAMES = 64
MAX_GAP_S = 0.25  # a longer pause between frames is a gap: nothing is known of what moved in it
_SAME_TIME_S = 1e-9


class ClipBuilder:
    """Turns one face's frames into clips of at most `chunk` crops; memory does not grow with the video."""

    def __init__(self, spec: InputSpec, *, chunk: int = CHUNK_FRAMES) -> None:
        self._spec = spec
        self._chunk = chunk
        self._resampler = Resampler(spec.fps)
        self._crops: list[Floats] = []
        self._comparable: list[bool] = []
        self._start_s = 0.0
        self._emitted = 0

    def push(self, frame: Frame, crop: Box, *, moved: bool) -> Iterator[Clip]:
        """Take the next frame; yield the clips that are complete. `moved`: the crop is not where it was before."""
        size = self._spec.size
        cells = frame.area_average(crop, size, size).transpose(2, 0, 1)
        for value, comparable in self._resampler.push(frame.time_s, cells, broken=moved):
            self._crops.append(value)
            self._comparable.append(comparable)
            if len(self._crops) == self._chunk:
                yield self._take()

    def finish(self) -> Iterator[Clip]:
        """Yield what is left, at most one clip."""
        if self._crops:
            yield self._take()

    def _take(self) -> Clip:
        start_s = self._resampler.start_s + self._emitted / self._spec.fps
        clip = Clip(np.stack(self._crops), np.array(self._comparable, np.bool_), start_s, self._spec.fps)
        self._emitted += len(self._crops)
        self._crops, self._comparable = [], []
        return clip


class Resampler:
    """Averages a piecewise linear signal over each period of a regular grid; causal but for half a period.

    The signal is any float32 array per time. The first sample is at the first value's time and covers half a period.
    `broken` says that a value must not be compared with the one before; no line is drawn to it: the value before is
    held until its time, and the period that it falls into is averaged over the new side alone.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1 / fps
        self._count = 0
        self._area: Floats | None = None
        self._covered_s = 0.0
        self._broken = True
        self._last: tuple[float, Floats] | None = None
        self.start_s = 0.0

    def push(self, time_s: float, value: Floats, *, broken: bool) -> Iterator[tuple[Floats, bool]]:
        """Take the value at time_s (seconds, rising); yield (grid value, comparable with the one before)."""
        if self._last is None:
            self.start_s = time_s
            self._last = time_s, value
            return
        last_s, last = self._last
        gap = time_s - last_s > MAX_GAP_S
        line = _Line(last_s, last, time_s, last if gap or broken else value)
        begin_s = last_s
        while (end_s := self.start_s + (self._count + 0.5) * self._period_s) <= time_s + _SAME_TIME_S:
            self._add(line, begin_s, end_s)
            self._broken |= gap or broken  # held, not seen
            yield self._emit()
            begin_s = end_s
        if gap or broken:
            self._area, self._covered_s, self._broken = None, 0.0, True
        else:
            self._add(line, begin_s, time_s)
        self._last = time_s, value

    def _add(self, line: "_Line", begin_s: float, end_s: float) -> None:
        """Add the line's integral over [begin_s, end_s] to the period's area."""
        width = max(end_s - begin_s, 0.0)
        area = line.mean(begin_s, end_s) * np.float32(width)
        self._area = area if self._area is None else self._area + area
        self._covered_s += width

    def _emit(self) -> tuple[Floats, bool]:
        assert self._area is not None, "a period that ends was added to"
        value = self._area / np.float32(self._covered_s)
        comparable = not self._broken
        self._area, self._covered_s, self._broken = None, 0.0, False
        self._count += 1
        return value, comparable


@dataclass(frozen=True, slots=True)
class _Line:
    t0: float
    v0: Floats
    t1: float
    v1: Floats

    def mean(self, begin_s: float, end_s: float) -> Floats:
        share = ((begin_s + end_s) / 2 - self.t0) / (self.t1 - self.t0)
        return np.float32(1 - share) * self.v0 + np.float32(share) * self.v1
