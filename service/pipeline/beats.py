"""The beats in a pulse wave: one time each, which intervals are normal, and how far noise moved the times.

The wave is laid on the phase of the heart's own rate, which its windows give (order tracking): there every beat is one
turn long, so one filter and one refractory time fit a rate that wanders. Each beat's time is where the average beat
fits best, the maximum likelihood estimate of a delay. Both are taken of the wave's slope, which whitens the noise of
models whose changes are summed up and makes the steepest rise weigh most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, interpolate, ndimage, signal

from service.pipeline.answers import HeartRate
from service.pipeline.spectrum import Array
from service.pipeline.types import Bools

PER_TURN = 64  # points per beat: 43 to 256 Hz; parabolas do the rest
FEWEST = 5  # beats; of fewer there is no average worth the name
_BAND = (0.5, 3.0)  # of the heart rate: what breathing and the second harmonic need
_FUNDAMENTAL = (0.6, 1.5)
_REFRACTORY = 0.55  # of a turn
_SEARCH = 0.25  # of a turn, to both sides of the fundamental's peak
_ROUNDS = 2
_HALF = PER_TURN // 2
_WITHIN = np.arange(-_HALF, _HALF + 1)  # one beat, around its time
_PADDED_TURNS = 4
MIN_MATCH = 0.7  # correlation with the average beat
_AMPLITUDE_RANGE = (0.4, 2.5)  # of the median
_MAX_CHANGE = 0.2  # Malik et al. 1989
_BLOCK_BEATS = 40
_NEIGHBOURS = 11  # intervals whose median is the normal one
# Of the noise, what amplitudes and shapes show to what moves the times: measured on rendered faces, training/LOG.md.
_NOISE_FACTOR = 1.12


@dataclass(frozen=True, slots=True)
class Beats:
    """B beats in the order of time, B = 0 where there are none.

    times_s (B,): of the beats' peaks, on the video's clock. amplitude (B,): relative to the average beat; width (B,):
    relative change of their length, 0 for the average one. good (B,): whether it looks like a beat and none of it was
    filled in. normal (B - 1,): whether the interval lies between good beats and within 20 % of the median of its
    neighbours. timing_error_ms: standard error of a beat's time, from the noise of the amplitudes.
    """

    times_s: Array
    amplitude: Array
    width: Array
    good: Bools
    normal: Bools
    timing_error_ms: float

    @property
    def intervals_ms(self) -> Array:
        """Interbeat intervals (B - 1,)."""
        return 1000 * np.diff(self.times_s)


NONE = Beats(np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool), np.empty(0, bool), float("inf"))


def find_beats(wave: Array, rate: HeartRate, valid: Bools | None = None) -> Beats:
    """Return the beats of a pulse wave (T,) of any scale, sample i at rate.start_s + i / rate.fps, up = more blood.

    valid: (T,), False where the wave was filled in. Beats that are cut off by an end of the wave are left out. A wave
    without power, of fewer than five beats or without windows has none.
    """
    valid = np.ones(len(wave), bool) if valid is None else valid
    turns = _turns(len(wave), rate)
    if not len(turns) or turns[-1] < FEWEST or np.ptp(wave) == 0:
        return NONE
    grid = np.arange(0, turns[-1], 1 / PER_TURN)
    seconds = np.interp(grid, turns, rate.start_s + np.arange(len(wave)) / rate.fps)
    warped = interpolate.CubicSpline(turns, wave)(grid)
    sharp = _filtered(warped, _BAND, weight=1)
    at = _fitted(sharp, _peaks(_filtered(warped, _FUNDAMENTAL)))
    if len(at) < FEWEST:
        return NONE
    gone = np.r_[0, np.cumsum(np.interp(grid, turns, ~valid) > 0)]
    filled = gone[np.round(at).astype(int) + _HALF + 1] > gone[np.round(at).astype(int) - _HALF]
    shapes = _shapes(sharp, at)
    good = ~filled & (shapes.match >= MIN_MATCH) & _within(shapes.amplitude, _AMPLITUDE_RANGE)
    times_s = np.interp(at + _peak_offset(_filtered(warped, _BAND), at[good]), np.arange(len(grid)), seconds)
    normal = good[1:] & good[:-1] & _usual(np.diff(times_s), good)
    error_s = shapes.error_turns(good) * float(np.median(np.diff(times_s)))
    return Beats(times_s, shapes.amplitude, shapes.width, good, normal, 1000 * error_s)


def _turns(samples: int, rate: HeartRate) -> Array:
    """Return the phase of the heart's rate at each sample, in turns from 0."""
    if not rate.windows or not samples:
        return np.empty(0)
    centres_s = [(window.start_s + window.end_s) / 2 for window in rate.windows]
    seconds = rate.start_s + np.arange(samples) / rate.fps
    hz = np.interp(seconds, centres_s, [window.bpm / 60 for window in rate.windows])
    turns: Array = np.r_[0, np.cumsum((hz[1:] + hz[:-1]) / 2)] / rate.fps
    return turns


def _filtered(warped: Array, band: tuple[float, float], *, weight: int = 0) -> Array:
    """Return the wave over phase within a band of orders, times order ** weight; no delay.

    The ends are extended by their point reflection, and what then leads from one end to the other is taken off.
    """
    pad = min(len(warped) - 1, _PADDED_TURNS * PER_TURN)
    padded = np.r_[2 * warped[0] - warped[pad:0:-1], warped, 2 * warped[-1] - warped[-2 : -pad - 2 : -1]]
    padded -= np.linspace(padded[0], padded[-1], len(padded))
    size = fft.next_fast_len(len(padded), real=True)
    order = np.maximum(fft.rfftfreq(size, 1 / PER_TURN), 1e-6)
    gain = order**weight / (1 + (band[0] / order) ** 8) / (1 + (order / band[1]) ** 16)
    filtered: Array = fft.irfft(fft.rfft(padded, size) * gain, size)[pad : pad + len(warped)]
    return filtered


def _peaks(wave: Array) -> Array:
    return signal.find_peaks(wave, distance=round(_REFRACTORY * PER_TURN))[0].astype(np.float64)


def _fitted(wave: Array, at: Array) -> Array:
    """Return where in `wave` (N,) the average beat fits best near each of `at`, in fractions of a point."""
    reach = round(_SEARCH * PER_TURN)
    for _ in range(_ROUNDS):
        at = _whole(at, len(wave))
        if not len(at):
            return at
        fit = signal.correlate(wave, _segments(wave, at).mean(axis=0), "same", "auto")
        near = np.clip(np.round(at).astype(int)[:, None] + np.arange(-reach, reach + 1), 1, len(wave) - 2)
        at = _summits(fit, near[np.arange(len(at)), fit[near].argmax(axis=1)])
    return _whole(np.unique(at), len(wave))


def _whole(at: Array, length: int) -> Array:
    return at[(at > _HALF + 1) & (at < length - _HALF - 2)]


def _segments(wave: Array, at: Array) -> Array:
    """Return one turn of `wave` around each of `at` (B,): (B, PER_TURN + 1)."""
    first = np.floor(at).astype(int)
    share = (at - first)[:, None]
    index = first[:, None] + _WITHIN
    segments: Array = (1 - share) * wave[index] + share * wave[index + 1]
    return segments


def _summits(curve: Array, at: NDArray[np.intp]) -> Array:
    """Return the maxima of the parabolas through each point of `curve` and its two neighbours."""
    left, middle, right = curve[at - 1], curve[at], curve[at + 1]
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
    return np.asarray(at + np.clip(shift, -1, 1))


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Each beat beside the average one: correlation, amplitude, relative length, relative size of what is left.

    turns_per_amplitude: how far noise moves a beat's time where it changes its amplitude by as much as the beat itself.
    """

    match: Array
    amplitude: Array
    width: Array
    rest: Array
    turns_per_amplitude: float

    def error_turns(self, good: Bools) -> float:
        """Return the standard error of a beat's time.

        Noise that moves a beat's time also changes its amplitude and leaves something of its shape unexplained. Breath
        does the first too, so of the amplitudes only second differences count, without their strongest line; a wave
        of one harmonic shows little of the second. The geometric mean of both is within a third of the truth.
        """
        triple = good[2:] & good[1:-1] & good[:-2]
        if triple.sum() < FEWEST:
            return float("inf")
        second = np.diff(_without_line(self.amplitude, good), 2)[triple]
        of_amplitude, of_shape = np.sqrt((second**2).mean() / 6), np.sqrt((self.rest[good] ** 2).mean())
        return float(_NOISE_FACTOR * np.sqrt(of_amplitude * of_shape) * self.turns_per_amplitude)


def _shapes(wave: Array, at: Array) -> _Shapes:
    """Compare each beat of `wave` with the average one and with its changes with time and length: least squares."""
    segments = _segments(wave, at)
    beat = segments.mean(axis=0)
    slope = np.gradient(beat) * PER_TURN
    basis = np.stack([beat, slope, -slope * _WITHIN / PER_TURN], axis=1)
    fitted = np.linalg.lstsq(basis, segments.T, rcond=None)[0]
    energy = beat @ beat
    size = np.sqrt((segments**2).sum(axis=1) * energy)
    return _Shapes(
        match=np.divide(segments @ beat, size, out=np.zeros(len(at)), where=size > 0),
        amplitude=segments @ beat / energy,
        width=fitted[2] / np.maximum(fitted[0], 0.1),
        rest=np.sqrt(((segments - (basis @ fitted).T) ** 2).sum(axis=1) / energy),
        turns_per_amplitude=float(np.sqrt(energy / (slope @ slope))),
    )


def _without_line(series: Array, good: Bools) -> Array:
    """Return `series` (B,) less, in each block of about 40 beats, the line and the sinusoid that explain most.

    Most of the second differences, that is.
    """
    index = np.arange(len(series), dtype=np.float64)
    even = np.interp(index, index[good], series[good])
    blocks = np.array_split(even, max(round(len(series) / _BLOCK_BEATS), 1))
    return np.concatenate([block - _line(block) for block in blocks])


def _line(block: Array) -> Array:
    size = fft.next_fast_len(8 * len(block), real=True)
    turns = fft.rfftfreq(size)
    power = np.abs(fft.rfft(block - block.mean(), size)) ** 2 * (1 - np.cos(2 * np.pi * turns)) ** 2
    index = np.arange(len(block))
    angle = 2 * np.pi * turns[power.argmax()] * index
    basis = np.stack([np.ones(len(block)), index / len(block), np.cos(angle), np.sin(angle)], axis=1)
    fitted: Array = basis @ np.linalg.lstsq(basis, block, rcond=None)[0]
    return fitted


def _within(values: Array, limits: tuple[float, float]) -> Bools:
    middle = float(np.median(values))
    within: Bools = (values >= limits[0] * middle) & (values <= limits[1] * middle)
    return within


def _usual(intervals: Array, good: Bools) -> Bools:
    """Return which intervals (B - 1,) are within 20 % of the median of their neighbours (Malik's 20 %, to a median)."""
    middle = ndimage.median_filter(intervals, min(_NEIGHBOURS, len(intervals)), mode="nearest")
    usual: Bools = np.abs(intervals - middle) <= _MAX_CHANGE * middle
    return usual


def _peak_offset(wave: Array, at: Array) -> float:
    """Return how far after the beats' times the average beat is highest, in points."""
    beat = _segments(wave, at).mean(axis=0) if len(at) else np.zeros(PER_TURN + 1)
    top = int(np.clip(beat.argmax(), 1, PER_TURN - 1))
    return float(_summits(beat, np.array([top]))[0]) - _HALF
