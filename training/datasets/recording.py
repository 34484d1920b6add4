"""The common record: what every data set is turned into before anything else looks at it.

All times are seconds on the clock of the recording's frames, whose first one is at 0. The pulse keeps its sensor's own
times and is brought to the times of crops by `Trace.at`, never by counting samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.pipeline.chain import FrameSource
from service.pipeline.clip import MAX_GAP_S
from service.pipeline.decode import VideoReader
from service.pipeline.images import BatchReader, ImageFiles
from service.pipeline.types import Clip, DecodeLimits, Floats
from training.datasets.errors import FileMalformed
from training.metrics import spectrum_bpm

Series = NDArray[np.float64]
MIN_HZ = 10.0  # 2.5 samples in a beat of the fastest heart (4 Hz)
_GRID_HZ = 30.0
_HELD_S = 1.5  # a beat at 40 bpm; a sensor's value that stands still for longer is no pulse
_LIMITS = DecodeLimits(max_duration_s=4 * 3600.0)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a sensor said: times_s, strictly rising, and values, both float64 (N,) and finite."""

    times_s: Series
    values: Series

    @classmethod
    def of(cls, times_s: ArrayLike, values: ArrayLike, path: Path) -> "Trace":
        """Check a sensor's samples; of those with the same time the first is kept.

        Raises FileMalformed, naming `path`, for none, unequal counts, numbers that are not finite, times that run
        backwards or are mostly the same.
        """
        times, samples = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
        if times.ndim != 1 or times.shape != samples.shape:
            raise FileMalformed(path, f"times of shape {times.shape} and values of shape {samples.shape}")
        if len(times) < 2:
            raise FileMalformed(path, "fewer than two samples")
        if not (np.isfinite(times).all() and np.isfinite(samples).all()):
            raise FileMalformed(path, "holds a number that is not finite")
        steps = np.diff(times)
        if (steps < 0).any():
            row = int(np.argmax(steps < 0)) + 1
            raise FileMalformed(path, f"the times run backwards at sample {row}: {times[row]:g} s")
        kept = np.concatenate([[True], steps > 0])
        if kept.sum() < max(2, len(times) / 2):
            raise FileMalformed(path, "most samples have the time of the one before")
        return cls(times[kept], samples[kept])

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last sample."""
        return float(self.times_s[-1] - self.times_s[0])

    @property
    def rate_hz(self) -> float:
        """Mean samples per second."""
        return (len(self.times_s) - 1) / self.span_s

    def at(self, clip: Clip) -> Floats:
        """Return the values at the times of a clip's crops, float32 (T,), joined by lines; see `covers`."""
        return self.at_times(clip.start_s + np.arange(len(clip.rgb)) / clip.fps).astype(np.float32)

    def at_times(self, times_s: Series) -> Series:
        """Return the values at times (N,) in seconds, joined by lines, the first and the last held; see `works`."""
        return np.interp(times_s, self.times_s, self.values)

    def bpm(self, start_s: float | None = None, stop_s: float | None = None) -> float:
        """Return 60 times the frequency, within 0.7 to 4 Hz, of the pulse's highest peak from start_s to stop_s.

        That is how both papers take the reference; a sensor's own reading lags and is rounded.
        """
        first = self.times_s[0] if start_s is None else start_s
        last = self.times_s[-1] if stop_s is None else stop_s
        times = np.arange(first, last, 1 / _GRID_HZ)
        return spectrum_bpm(np.interp(times, self.times_s, self.values), _GRID_HZ, "wave")

    def covers(self, clip: Clip) -> bool:
        """Return whether the sensor was at work all through a clip; see `works`."""
        return self.works(clip.start_s, clip.start_s + (len(clip.rgb) - 1) / clip.fps)

    def works(self, start_s: float, stop_s: float) -> bool:
        """Return whether the sensor was at work all the time from start_s to stop_s.

        It was not where samples fail, before the first, after the last, or where its value stands still for longer
        than a beat can take.
        """
        moves = np.concatenate([[True], np.diff(self.values) != 0])
        return _dense(self.times_s, start_s, stop_s, MAX_GAP_S) and _dense(
            self.times_s[moves], start_s, stop_s, _HELD_S
        )


def pulse_trace(times_s: ArrayLike, values: ArrayLike, path: Path) -> Trace:
    """Return a Trace that can be a pulse. Raises FileMalformed as Trace.of, and for too few samples or a flat line."""
    trace = Trace.of(times_s, values, path)
    if trace.rate_hz < MIN_HZ:
        raise FileMalformed(
            path, f"{trace.rate_hz:.2g} samples of the pulse per second; at least {MIN_HZ:g} are needed"
        )
    if np.ptp(trace.values) == 0:
        raise FileMalformed(path, "the pulse is a flat line")
    return trace


def _dense(times_s: Series, start_s: float, stop_s: float, max_gap_s: float) -> bool:
    """Return whether every moment from start_s to stop_s lies within max_gap_s of samples on its two sides.

    At the ends of the trace one side is enough: frames and sensor never start at the same instant.
    """
    inside = times_s[(times_s >= start_s) & (times_s <= stop_s)]
    before, after = times_s[times_s < start_s][-1:], times_s[times_s > stop_s][:1]
    around = np.concatenate([before, inside, after])
    if not len(around) or around[0] > start_s + max_gap_s or around[-1] < stop_s - max_gap_s:
        return False
    return bool((np.diff(around) <= max_gap_s).all())


@dataclass(frozen=True, slots=True)
class Recording:
    """One take of one person.

    dataset, subject, name: which; `name` is unique in the data set. source: the video file, or image files with their
    times. pulse: the contact sensor's wave, up means more blood. heart_rate: what the sensor itself made of it, in bpm,
    where it says so. licence: on what terms the recording was handed out. groups: what is known of it, by which errors
    may be broken down (`motion`, `light`).
    """

    dataset: str
    subject: str
    name: str
    source: Path | ImageFiles
    pulse: Trace
    licence: str
    heart_rate: Trace | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def person(self) -> str:
        """The subject's name among those of all data sets."""
        return f"{self.dataset}/{self.subject}"

    def open(self, limits: DecodeLimits = _LIMITS) -> FrameSource:
        """Return the frames, to be read once, one at a time: no recording is ever held in memory."""
        if isinstance(self.source, Path):
            return VideoReader(self.source, limits)
        return BatchReader(self.source, limits)
