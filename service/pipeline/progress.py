"""How far a measurement is: the share done, and the heart rate up to now, asked for seldom enough to cost nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.pipeline.answers import HeartRate

_EVERY_S = 2.0
_SHARE_OF_TIME = 0.02  # a rate is that of the whole past: what it costs grows with the video


@dataclass(frozen=True, slots=True)
class Progress:
    """share: 0..1 of the video; bpm and its confidence (0..1) so far, None before there is a rate.

    The rate is that of the whole video up to some moments ago; what is to come may change it.
    """

    share: float
    bpm: float | None = None
    confidence: float | None = None


class ProgressReport:
    """Calls `report` at each update; asks `so_far` every 2 s at most, and for no more than 2 % of the time."""

    def __init__(
        self,
        report: Callable[[Progress], None],
        so_far: Callable[[], HeartRate | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._so_far = so_far
        self._clock = clock
        self._next_s = clock() + _EVERY_S
        self._rate: HeartRate | None = None

    def update(self, share: float) -> None:
        """Tell of a share done; it is cut to 0..1."""
        began_s = self._clock()
        if began_s >= self._next_s:
            self._rate = self._so_far()
            now_s = self._clock()
            self._next_s = now_s + max(_EVERY_S, (now_s - began_s) / _SHARE_OF_TIME)
        share = min(max(share, 0.0), 1.0)
        if self._rate is None or not self._rate.windows:  # too short: its number would mean nothing
            self._report(Progress(share))
        else:
            self._report(Progress(share, self._rate.bpm, self._rate.confidence))
