"""GREEN, ICA, PCA, LGI, CHROM and POS: pulse from the mean colour of the face, without training.

They stand behind the same interface as an ONNX model, for comparison and as a fallback. A stream keeps three floats
per frame; each method is one function from traces (T, 3), mean R, G, B of the skin, to a wave (T,), up = more blood.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from service.pipeline import spectrum
from service.pipeline.ica import ica
from service.pipeline.quality import QUALITY_FEATURES
from service.pipeline.spectrum import Array
from service.pipeline.subspace import lgi, pca
from service.pipeline.types import Bools, Calibration, Clip, InputSpec, ModelInfo, Pulse, PulseModel, PulseStream

Method = Callable[[Array, float], Array]

WINDOW_S = 1.6  # of CHROM and POS: at least one beat from 40 bpm on
DARKEST = 1e-3  # of full scale: below it there is no colour to take a ratio of
_BLOCK = 4096  # windows of POS at a time: 5 MB at 30 fps


def green(traces: Array, fps: float) -> Array:
    """GREEN, Verkruysse et al. 2008: the mean green, which blood absorbs most, upside down."""
    del fps  # no window, no filter
    return np.asarray(1 - traces[:, 1] / max(float(traces[:, 1].mean()), DARKEST))


def chrom(traces: Array, fps: float) -> Array:
    """CHROM, de Haan & Jeanne 2013: S = X - (std X / std Y) Y, X = 3R - 2G, Y = 1.5R + G - 1.5B, windows of 1.6 s.

    R, G, B are divided by their mean over each window, X and Y band-passed to 0.7-4 Hz; the windows' S are joined by
    half-overlapping Hann tapers. X and Y are joined first and filtered whole, since 1.6 s is too short for the filter.
    """
    length = 2 * max(round(WINDOW_S * fps / 2), 2)
    hop = length // 2
    taper = np.hanning(length + 1)[:-1]  # periodic: two of them, half a window apart, sum to 1
    padded = np.pad(traces, ((length, length + -len(traces) % hop), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)[::hop]  # (W, 3, length)
    r, g, b = np.moveaxis(_relative(windows), 1, 0)
    x = spectrum.band_pass(_overlap_add((3 * r - 2 * g) * taper, hop), fps)
    y = spectrum.band_pass(_overlap_add((1.5 * r + g - 1.5 * b) * taper, hop), fps)
    xs, ys = (np.lib.stride_tricks.sliding_window_view(signal, length)[::hop] for signal in (x, y))
    alpha = _ratio(xs.std(axis=1, keepdims=True), ys.std(axis=1, keepdims=True))
    return _overlap_add((xs - alpha * ys) * taper, hop)[length : length + len(traces)]


def pos(traces: Array, fps: float) -> Array:
    """POS, Wang et al. 2017, algorithm 1: S1 = G - B, S2 = G + B - 2R of R, G, B over their mean in each 1.6-s window.

    h = S1 + (std S1 / std S2) S2, without its mean, is added up over windows at every frame. The paper's wave follows
    reflected light; ours is upside down.
    """
    length = min(int(np.ceil(WINDOW_S * fps)), len(traces))
    wave = np.zeros(len(traces))
    if length < 2:
        return wave
    windows = np.lib.stride_tricks.sliding_window_view(traces, length, axis=0)  # (W, 3, length)
    for start in range(0, len(windows), _BLOCK):
        r, g, b = np.moveaxis(_relative(windows[start : start + _BLOCK]), 1, 0)
        s1, s2 = g - b, g + b - 2 * r
        h = s1 + _ratio(s1.std(axis=1, keepdims=True), s2.std(axis=1, keepdims=True)) * s2
        h -= h.mean(axis=1, keepdims=True)
        for offset in range(length):
            wave[start + offset : start + offset + len(h)] -= h[:, offset]
    return wave


METHODS: dict[str, Method] = {"green": green, "ica": ica, "pca": pca, "lgi": lgi, "chrom": chrom, "pos": pos}


_FITTED: dict[str, tuple[float, ...]] = {  # by training.calibrate to rendered faces: bias, weights of QUALITY_FEATURES
    "green": (-5.921, 0.044, 0.168, 0.045, 0.0, 2.582, 0.188, 0.128),
    "ica": (-6.32, 0.046, 0.11, 0.641, 0.0, 3.098, 0.0, 0.138),
    "pca": (-5.197, 0.122, 0.186, 1.329, 0.0, 0.0, 0.115, 0.192),
    "lgi": (-5.788, 0.087, 0.304, 0.0, 0.321, 2.318, 0.207, 0.0),
    "chrom": (-6.253, 0.103, 0.139, 1.492, 0.638, 2.81, 0.072, 0.004),
    "pos": (-5.43, 0.138, 0.312, 0.0, 0.742, 2.132, 0.333, 0.0),
}
CALIBRATIONS = {
    name: Calibration(bias, dict(zip(QUALITY_FEATURES, weights, strict=True)))
    for name, (bias, *weights) in _FITTED.items()
}


@dataclass(frozen=True, slots=True)
class ClassicalModel:
    """A classical method as a PulseModel. It has no file and so no hash."""

    name: str
    input: InputSpec = field(default_factory=InputSpec)

    @property
    def info(self) -> ModelInfo:
        """Name, version of the implementation, no hash."""
        return ModelInfo(self.name, "1.0.0", "")

    @property
    def calibration(self) -> Calibration:
        """How its quality turns into confidence."""
        return CALIBRATIONS[self.name]

    def stream(self) -> PulseStream:
        """Start on one face."""
        return TraceStream(METHODS[self.name])


CLASSICAL: dict[str, Callable[[], PulseModel]] = {name: partial(ClassicalModel, name) for name in METHODS}


class TraceStream:
    """Keeps the mean colour of the skin in each frame; the method runs on all of them in `finish`.

    Like a model that looks at frame pairs it gives one sample less than there are frames; sample i is at frame i + 1.
    """

    def __init__(self, method: Method) -> None:
        self._method = method
        self._colours: list[Array] = []
        self._comparable: list[Bools] = []
        self._start_s = 0.0
        self._fps = InputSpec().fps

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        if not self._colours:
            self._start_s, self._fps = clip.start_s, clip.fps
        self._colours.append(skin_colour(clip.rgb))
        self._comparable.append(clip.comparable.copy())

    def finish(self) -> Pulse:
        """Return the wave, band-limited by nothing but the method; samples where the crop moved are invalid."""
        colours = np.concatenate([np.empty((0, 3)), *self._colours])
        comparable = np.concatenate([np.empty(0, bool), *self._comparable])[1:]
        wave = self._method(joined(colours, comparable), self._fps) if len(colours) > 1 else np.zeros(len(colours))
        start_s = self._start_s + 1 / self._fps
        return Pulse(wave[1:].astype(np.float32), comparable, start_s, self._fps, "wave")

    def forget(self, count: int) -> None:
        """Drop the first frames. The method then sees only the rest: the samples that stay may change a little."""
        if self._colours:
            self._colours = [np.concatenate(self._colours)[count:].copy()]
            self._comparable = [np.concatenate(self._comparable)[count:].copy()]
            self._start_s += count / self._fps


def skin_colour(rgb: NDArray[np.float32]) -> Array:
    """Return the mean R, G, B of the skin, float64 (T, 3), of crops (T, 3, size, size).

    The face fills the middle 1 / CROP_SCALE of a crop. Averaged is an ellipse of 0.4 by 0.54 of the crop in its centre:
    from the brows to the chin and between the ears, without hair, neck and background.
    """
    frames, channels, size, _ = rgb.shape
    pixels = np.take(rgb.reshape(frames, channels, -1), skin_pixels(size), axis=-1)
    return np.asarray(pixels.mean(axis=-1, dtype=np.float64))


def skin_pixels(size: int) -> NDArray[np.intp]:
    """Return which of a crop's size * size pixels, row by row, lie in the ellipse of `skin_colour`."""
    at = (np.arange(size) + 0.5) / size - 0.5
    return np.flatnonzero((at[:, None] / 0.27) ** 2 + (at / 0.2) ** 2 <= 1)


def joined(colours: Array, comparable: Bools) -> Array:
    """Return the colours (T, 3), rescaled after each move of the crop so that they go on without a step.

    comparable: (T - 1,), False where frame i + 1 shows another patch than frame i. The ratio of the two is replaced by
    that of the frames around them, so that the pulse goes on through the move. What is nearly black stays at 1e-3.
    """
    colours = np.maximum(colours, DARKEST)
    if comparable.all() or not comparable.any():
        return colours
    log = np.log(colours)
    change = np.diff(log, axis=0)
    index = np.arange(len(change))
    for channel in range(3):
        change[:, channel] = np.interp(index, index[comparable], change[comparable, channel])
    return np.asarray(np.exp(log[0] + np.concatenate([np.zeros((1, 3)), np.cumsum(change, axis=0)])))


def _relative(windows: Array) -> Array:
    """Each window over its mean along the last axis."""
    relative: Array = windows / np.maximum(windows.mean(axis=-1, keepdims=True), DARKEST)
    return relative


def _ratio(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _overlap_add(windows: Array, hop: int) -> Array:
    """Add up windows (W, 2 hop), each `hop` samples after the one before."""
    total = np.zeros((len(windows) + 1, hop))
    total[:-1] += windows[:, :hop]
    total[1:] += windows[:, hop:]
    return total.ravel()
