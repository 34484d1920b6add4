"""Collects, crop by crop, what a face's rate is checked against: see controls."""

from functools import lru_cache

import numpy as np

from service.pipeline.classical import CLASSICAL, DARKEST, skin_pixels
from service.pipeline.controls import Controls
from service.pipeline.spectrum import Bins
from service.pipeline.stretches import first_from
from service.pipeline.types import Bools, Clip, Floats, Pulse

_METHOD = "chrom"
_OUTSIDE = 1.05  # half-axes of the crop: beyond that ellipse lies neither face nor hair, the neck aside


class ControlStream:
    """The controls of one face. A few floats per frame are kept."""

    def __init__(self, *, sees_around: bool = True) -> None:
        """sees_around: whether crops show more than the face, as the tracker's do and a caller's may not."""
        self._chrominance = CLASSICAL[_METHOD]().stream()
        self._sees_around = sees_around
        self._brightness: Floats | None = None  # of the last crop's pixels, logarithm
        self._changes: list[Floats] = []
        self._key_times_s: list[float] = []
        self._was_key = False

    def note(self, time_s: float, *, is_key: bool) -> None:
        """Take a frame's time, and whether the codec sent it whole."""
        if is_key and not self._was_key:
            self._key_times_s.append(time_s)
        self._was_key = is_key

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        self._chrominance.push(clip)
        self._changes.append(self._changed(clip.rgb, clip.comparable))

    def finish(self) -> Controls:
        """Return what has come so far."""
        chrominance = self._chrominance.finish()
        changes = np.concatenate([np.zeros((0, 3), np.float32), *self._changes])[1:]
        waves = np.cumsum(changes, axis=0, dtype=np.float64).astype(np.float32).T
        start_s, fps = chrominance.start_s, chrominance.fps
        skin, *around = (Pulse(wave, np.ones(len(wave), np.bool_), start_s, fps, "wave") for wave in waves)
        return Controls(chrominance, skin, tuple(around) if self._sees_around else (), np.array(self._key_times_s))

    def newest(self, since_s: float) -> Controls:
        """Return what came since then, and forget what was before."""
        self._key_times_s = [time_s for time_s in self._key_times_s if time_s >= since_s]
        controls = self.finish()
        old = first_from(controls.chrominance, since_s)
        self._chrominance.forget(old)
        self._changes = [np.concatenate(self._changes)[old:].copy()] if self._changes else []
        return controls.since(since_s)

    def _changed(self, rgb: Floats, comparable: Bools) -> Floats:
        """Return the changes (T, 3) of the brightness from frame to frame: skin, and what is above and below the face.

        Of each area the median of its pixels, so that an edge that moves through it counts for nothing.
        """
        brightness = np.log(np.maximum(rgb.mean(axis=1).reshape(len(rgb), -1), DARKEST))
        before = brightness[:1] if self._brightness is None else self._brightness
        self._brightness = brightness[-1:]
        change = np.diff(brightness, axis=0, prepend=before)
        change[~comparable] = 0
        return np.stack([np.median(change[:, area], axis=1) for area in _areas(rgb.shape[-1])], axis=1)


@lru_cache(maxsize=4)
def _areas(size: int) -> tuple[Bins, ...]:
    """Return the pixels, row by row, of the skin, and of the upper and the lower corners, of a crop."""
    at = 2 * (np.arange(size) + 0.5) / size - 1
    outside = np.hypot(at[:, None], at) > _OUTSIDE
    upper, lower = (np.flatnonzero(outside & half[:, None]) for half in (at < 0, at > 0))
    return skin_pixels(size), upper, lower
