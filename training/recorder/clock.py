"""A device's clock, seen from this computer: it ticks at a rate of its own, and what it says comes late.

Nothing arrives before it was sent. Over the device's time, the points (arrival - device time) therefore lie above the
line that joins the two clocks, and messages without a delay lie on it. The line is found as the edge, over the middle
of the last minute, of the points' lower convex hull (Zhang, Liu & Xia 2002, "Clock synchronization algorithms for
network measurements"): delays, however many and long, only add points that do not matter.
"""

from dataclasses import dataclass

SETTLED_S = 3.0  # lines up to 40 ms late: in that time some come within 10 ms
_BLOCK_S = 0.25  # a ceramic resonator of 0.5 % is 1 ms off in it
_BLOCKS = 240  # a minute: short against changes of temperature, long against delays
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Line:
    at_s: float
    offset_s: float
    slope: float


class DeviceClock:
    """Turns the times of one run of a device into this computer's monotonic time, as messages come in."""

    def __init__(self) -> None:
        self._lows: list[_Point] = []  # the lowest point of each block
        self._block = 0
        self._line: _Line | None = None

    @property
    def settled(self) -> bool:
        """Whether enough has come to tell the time: the messages of three seconds."""
        return self._line is not None and self._lows[-1][0] - self._lows[0][0] >= SETTLED_S

    def add(self, device_s: float, arrival_s: float) -> None:
        """Note that what the device did at device_s, which rises, was known here at arrival_s."""
        point, block = (device_s, arrival_s - device_s), int(device_s // _BLOCK_S)
        if not self._lows or block != self._block:
            self._line = _line_below(self._lows) if len(self._lows) > 1 else None
            self._lows = [*self._lows[-_BLOCKS:], point]
            self._block = block
        elif point[1] < self._lows[-1][1]:
            self._lows[-1] = point

    def host_s(self, device_s: float) -> float:
        """Return the monotonic time of a moment on the device's clock. Only once `settled`."""
        assert self._line is not None, "the clock has not settled"
        return device_s + self._line.offset_s + self._line.slope * (device_s - self._line.at_s)


def _line_below(points: list[_Point]) -> _Line:
    """Return the edge of the lower convex hull over the middle of points, two or more of them, in order."""
    hull: list[_Point] = []
    for point in points:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    middle_s = sum(x for x, _ in points) / len(points)
    edge = next(index for index in range(1, len(hull)) if hull[index][0] >= middle_s)
    (from_s, low), (to_s, high) = hull[edge - 1], hull[edge]
    return _Line(from_s, low, (high - low) / (to_s - from_s))


def _turns_down(first: _Point, second: _Point, third: _Point) -> bool:
    """Return whether the second lies on or above the line from the first to the third."""
    run, rise = third[0] - first[0], third[1] - first[1]
    return (second[1] - first[1]) * run >= rise * (second[0] - first[0])
