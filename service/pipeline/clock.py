"""The video's own clock: presentation time stamps in, times and the limits on them out."""

from service.pipeline.errors import FrameRateOutOfRange, TimestampsInvalid, VideoTooLong, VideoTooShort
from service.pipeline.types import DecodeLimits

_RATE_TOLERANCE = 0.01  # Matroska rounds times to whole milliseconds
_SAME_TIME_S = 1e-6


class FrameClock:
    """Turns time stamps into seconds since the first frame and enforces length and frame rate.

    A frame without a stamp, or with that of the frame before, cannot be placed in time. It is left out, which costs
    no more than a frame that the camera dropped; above 1 % of such frames the clock is not to be trusted. A stamp that
    runs backwards says at once that it is not: frames arrive in the order in which they are shown.
    """

    def __init__(self, limits: DecodeLimits, start_s: float, duration_s: float | None) -> None:
        self._limits = limits
        self._start_s = start_s
        self._stop_s = float("inf") if duration_s is None else start_s + duration_s
        self._origin_s: float | None = None
        self._latest_s = -1.0
        self._first_s = 0.0
        self._last_s = 0.0
        self.frames = 0
        self.unplaced = 0
        self.stopped = False

    def place(self, stamp_s: float | None) -> float | None:
        """Return the time of the next frame, or None where it is not wanted.

        `stopped` is set once the frame lies behind the wanted part. Raises TimestampsInvalid, FrameRateOutOfRange or
        VideoTooLong.
        """
        if stamp_s is None:
            self.unplaced += 1
            return None
        if self._origin_s is None:
            self._origin_s = stamp_s
        time_s = stamp_s - self._origin_s
        if time_s < self._latest_s - _SAME_TIME_S:
            raise TimestampsInvalid("the frame times run backwards")
        if time_s <= self._latest_s + _SAME_TIME_S:
            self.unplaced += 1
            return None
        self._latest_s = time_s
        if time_s < self._start_s - _SAME_TIME_S:
            return None
        self.stopped = time_s >= self._stop_s - _SAME_TIME_S
        if not self.stopped:
            self._count(time_s)
        return None if self.stopped else time_s

    def stamp_at(self, time_s: float) -> float:
        """Return the time stamp (s) that stands for time_s."""
        return (self._origin_s or 0.0) + time_s

    def rewind(self) -> None:
        """Forget the latest frame: the next one comes from elsewhere in the file."""
        self._latest_s = -1.0

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last wanted frame."""
        return self._last_s - self._first_s if self.frames else 0.0

    @property
    def end_s(self) -> float:
        """Time at which the last wanted frame ends."""
        return self._first_s + self.duration_s

    @property
    def fps(self) -> float:
        """Mean frame rate of the wanted frames, 0 below two of them."""
        return (self.frames - 1) / self.span_s if self.frames > 1 else 0.0

    @property
    def duration_s(self) -> float:
        """Seconds that the wanted frames last, the last one for a mean period."""
        return self.span_s * self.frames / (self.frames - 1) if self.frames > 1 else 0.0

    def check(self) -> None:
        """Check the whole: raises TimestampsInvalid, VideoTooShort or FrameRateOutOfRange."""
        if self.unplaced > 0.01 * (self.frames + self.unplaced):
            raise TimestampsInvalid("frame times are missing or duplicate")
        limits = self._limits
        period_s = self.duration_s - self.span_s
        if self.duration_s + period_s / 2 < limits.min_duration_s or self.frames < 2:
            raise VideoTooShort(f"a heart rate needs {limits.min_duration_s:g} s of video")
        lowest, highest = limits.min_fps * (1 - _RATE_TOLERANCE), limits.max_fps * (1 + _RATE_TOLERANCE)
        if not lowest <= self.fps <= highest:
            raise _bad_rate(limits)

    def _count(self, time_s: float) -> None:
        if not self.frames:
            self._first_s = time_s
        self.frames += 1
        self._last_s = time_s
        elapsed_s = time_s - self._first_s
        if elapsed_s > self._limits.max_duration_s:
            raise VideoTooLong(f"the video is longer than {self._limits.max_duration_s:g} s")
        # Checked as the frames come, so that millions of them within a second cost no more than a second's worth.
        if self.frames > self._limits.max_fps * (1 + _RATE_TOLERANCE) * (elapsed_s + 1):
            raise _bad_rate(self._limits)


def _bad_rate(limits: DecodeLimits) -> FrameRateOutOfRange:
    return FrameRateOutOfRange(f"the frame rate must lie between {limits.min_fps:g} and {limits.max_fps:g} fps")
