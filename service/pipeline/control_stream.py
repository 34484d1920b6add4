"""Collects, crop by crop, what a face's rate is checked against: see controls."""

from functools import lru_cache

import numpy as np

from service.pipeline.classical import CLASSICAL, DARKEST, skin_pixels
from service.pipeline.controls import Controls
from service.pipeline.frame import Frame
from service.pipeline.shift import AXES, shifts
from service.pipeline.spectrum import Bins
from service.pipeline.stretches import first_from
from service.pipeline.types import Bools, Box, Clip, Floats, Pulse

_METHOD = "chrom"
_OUTSIDE = 1.05  # half-axes of the crop: beyond that ellipse lies neither face nor hair, the neck aside
_LEAST_PIXELS = 12  # of an area; fewer are no median
_CELLS = 6  # of a crop's side; the four in the middle of each row and column are the face's places
_AREAS, _PLACES = 3, (_CELLS - 2) ** 2
_WHOLE = Box(0.0, 0.0, 1.0, 1.0)


class ControlStream:
    """The controls of one face. Some twenty floats per frame are kept."""

    def __init__(self, *, sees_around: bool = True) -> None:
        """sees_around: whether crops show more than the face, as the tracker's do and a caller's may not."""
        self._chrominance = CLASSICAL[_METHOD]().stream()
        self._sees_around = sees_around
        self._brightness: Floats | None = None  # of the last crop's pixels, logarithm
        self._changes: list[Floats] = []
        self._key_times_s: list[float] = []
        self._was_key = False
        self._shown = self._shown_by_all = _WHOLE

    def note(self, frame: Frame, crop: Box) -> None:
        """Take a frame before the clip that has it: whether the codec sent it whole, and what its crop shows."""
        if frame.is_key and not self._was_key:
            self._key_times_s.append(frame.time_s)
        self._was_key = frame.is_key
        self._shown = _part_shown(frame, crop)
        self._shown_by_all = _common(self._shown_by_all, self._shown)

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        self._chrominance.push(clip)
        self._changes.append(self._changed(clip.rgb, clip.comparable))
        self._shown_by_all = self._shown

    def finish(self) -> Controls:
        """Return what has come so far."""
        chrominance = self._chrominance.finish()
        changes = np.concatenate([np.zeros((0, _AREAS + _PLACES + AXES), np.float32), *self._changes])[1:]
        start_s, fps, valid = chrominance.start_s, chrominance.fps, np.ones(len(changes), np.bool_)
        sums = (np.cumsum(change, dtype=np.float64).astype(np.float32) for change in changes.T)
        waves = tuple(Pulse(wave, valid, start_s, fps, "wave") for wave in sums)
        return Controls(
            chrominance,
            skin=waves[0],
            around=waves[1:_AREAS] if self._sees_around else (),
            places=waves[_AREAS:-AXES],
            motion=waves[-AXES:],
            key_times_s=np.array(self._key_times_s),
        )

    def newest(self, since_s: float) -> Controls:
        """Return what came since then, and forget what was before."""
        self._key_times_s = [time_s for time_s in self._key_times_s if time_s >= since_s]
        controls = self.finish()
        old = first_from(controls.chrominance, since_s)
        self._chrominance.forget(old)
        self._changes = [np.concatenate(self._changes)[old:].copy()] if self._changes else []
        return controls.since(since_s)

    def _changed(self, rgb: Floats, comparable: Bools) -> Floats:
        """Return the changes (T, 3 + 16 + 2) from frame to frame: the brightness of areas and places, and the shifts.

        The areas are skin, and what is above and below the face. Of each the median of its pixels, so that an edge that
        moves through it counts for nothing. Where the crop reaches beyond the picture its pixels are the picture's
        edge, which may be skin: no area has them. Of a place of the face the mean of its pixels, the picture's edge or
        not.
        """
        grey = rgb.mean(axis=1)
        pixels = grey.reshape(len(rgb), -1)
        brightness = np.log(np.maximum(np.concatenate([pixels, _places(grey)], axis=1), DARKEST))
        before = brightness[:1] if self._brightness is None else self._brightness
        self._brightness = brightness[-1:]
        seen = np.concatenate([before, brightness])
        change = np.diff(seen, axis=0)
        areas = [_median(change, area) for area in _areas(rgb.shape[-1], self._shown_by_all)]
        found = np.column_stack([*areas, change[:, pixels.shape[1] :], shifts(seen[:, : pixels.shape[1]])])
        found[~comparable] = 0
        return found


def _median(change: Floats, area: Bins) -> Floats:
    return np.median(change[:, area], axis=1) if len(area) >= _LEAST_PIXELS else np.zeros(len(change), np.float32)


def _places(grey: Floats) -> Floats:
    """Return the means (T, 16) of the face's places in crops (T, size, size)."""
    size, wanted = grey.shape[-1], _CELLS - 2
    side = size // _CELLS
    middle = slice((size - wanted * side) // 2, (size + wanted * side) // 2)
    means: Floats = grey[:, middle, middle].reshape(len(grey), wanted, side, wanted, side).mean(axis=(2, 4))
    return means.reshape(len(grey), -1)


def _part_shown(frame: Frame, crop: Box) -> Box:
    """Return which part of a crop lies in the picture, in 0..1 of its sides."""
    left, right = (float((x - crop.x0) / crop.width) for x in (0, frame.width))
    top, bottom = (float((y - crop.y0) / crop.height) for y in (0, frame.height))
    return _common(Box(left, top, right, bottom), _WHOLE)


def _common(a: Box, b: Box) -> Box:
    return Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))


@lru_cache(maxsize=16)
def _areas(size: int, shown: Box) -> tuple[Bins, ...]:
    """Return the pixels of a crop, row by row: of the skin, and of what is shown in the upper and the lower corners."""
    at = (np.arange(size) + 0.5) / size
    outside = np.hypot(2 * at[:, None] - 1, 2 * at - 1) > _OUTSIDE
    outside &= ((at >= shown.y0) & (at <= shown.y1))[:, None] & (at >= shown.x0) & (at <= shown.x1)
    upper, lower = (np.flatnonzero(outside & half[:, None]) for half in (at < 0.5, at > 0.5))
    return skin_pixels(size), upper, lower
