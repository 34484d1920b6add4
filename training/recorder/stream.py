"""The sensor's bytes -> samples on this computer's monotonic clock; whatever happens on the line is counted."""

from dataclasses import dataclass

from training.recorder.clock import DeviceClock
from training.recorder.line import LONGEST, NUMBERS, TICKS, Reading, parse

_TICK_S = 1e-6
_MIN_STEP_S = 1e-4  # times in the file must rise, though the line between the clocks is found better and better
_Timed = tuple[Reading, float, float]  # and its time on the board's clock, and that of its arrival, in seconds
_DOUBT_S = 5.0  # a step of the board's clock that differs by more from this computer's: it has begun anew


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of the sensor.

    time_s: when it was taken, on time.monotonic(). value: as the board sent it. board_us: the board's own time.
    arrival_s: when it came, on time.monotonic().
    """

    time_s: float
    value: int
    board_us: int
    arrival_s: float


@dataclass(slots=True)
class LineCounts:
    """What came over the line: good samples, and those lost on the way, damaged, or sent twice."""

    good: int = 0
    lost: int = 0
    damaged: int = 0
    repeated: int = 0


class SampleStream:
    """Reads one board's lines, over any number of connections and restarts of the board."""

    def __init__(self) -> None:
        self.counts = LineCounts()
        self._written_s = float("-inf")
        self._rest = b""
        self._whole = False  # the first line is cut off in most cases
        self._clock = DeviceClock()
        self._latest: _Timed | None = None
        self._held: list[_Timed] = []

    def restart(self) -> None:
        """Take what follows as from a board that has just begun: it was unplugged, or has reset itself."""
        self._rest, self._whole = b"", False
        self._begin_clock()

    def feed(self, data: bytes, arrival_s: float) -> list[Sample]:
        """Take bytes that came at arrival_s; return the samples that they complete, by their times.

        The first three seconds of samples are held until the clocks are known, then come at once.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line, arrival_s)
            self._whole = True
        if len(self._rest) > LONGEST:
            self._rest = b""
            self.counts.damaged += 1
        return self._placed() if self._clock.settled else []

    def _take(self, line: bytes, arrival_s: float) -> None:
        reading = parse(line)
        if reading is None:
            self.counts.damaged += self._whole
            return
        if self._latest is not None and reading == self._latest[0]:
            self.counts.repeated += 1
            return
        board_s = self._follow(reading, arrival_s)
        self.counts.good += 1
        self._latest = (reading, board_s, arrival_s)
        self._clock.add(board_s, arrival_s)
        self._held.append(self._latest)

    def _follow(self, reading: Reading, arrival_s: float) -> float:
        """Return a reading's time on the board's clock in seconds without end; count what is missing before it."""
        if self._latest is not None:
            before, board_s, before_s = self._latest
            step_s = (reading.board_us - before.board_us) % TICKS * _TICK_S
            if abs(step_s - (arrival_s - before_s)) < _DOUBT_S:
                self.counts.lost += (reading.number - before.number - 1) % NUMBERS
                return board_s + step_s
            self._begin_clock()
        return reading.board_us * _TICK_S

    def _begin_clock(self) -> None:
        """Forget the board's clock, and those samples whose time it could not yet tell."""
        self._clock, self._latest, self._held = DeviceClock(), None, []

    def _placed(self) -> list[Sample]:
        samples = []
        for reading, board_s, arrival_s in self._held:
            time_s = self._clock.host_s(board_s)
            self._written_s = max(time_s, self._written_s + _MIN_STEP_S)
            samples.append(Sample(self._written_s, reading.value, reading.board_us, arrival_s))
        self._held = []
        return samples
