"""GREEN, ICA, CHROM and POS: pulse from the mean colour of the face, without training.

They stand behind the same interface as an ONNX model, for comparison and as a fallback. A stream keeps three floats
per frame; each method is one function from traces (T, 3), mean R, G, B of the skin, to a wave (T,), up = more blood.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from service.pipeline import spectrum
from service.pipeline.quality import DEFAULT_CALIBRATION
from service.pipeline.spectrum import Array
from service.pipeline.types import Bools, Calibration, Clip, InputSpec, ModelInfo, Pulse, PulseModel, PulseStream

Method = Callable[[Array, float], Array]

WINDOW_S = 1.6  # of CHROM and POS: at least one beat from 40 bpm on
DARKEST = 1e-3  # of full scale: below it there is no colour to take a ratio of
_ICA_WINDOW_S = 30.0  # Poh et al. 2011
_ICA_DETREND_HZ = 0.5  # half the amplitude at this frequency
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


def ica(traces: Array, fps: float) -> Array:
    """ICA, Poh, McDuff & Picard 2011: three independent components of the detrended, normalised colours.

    That with the highest spectral peak is the pulse, turned so that it rises where green falls. Unmixed anew in windows
    of 30 s, joined by half-overlapping Hann tapers; FastICA (Hyvarinen 1999) stands for JADE: on three channels they
    find the same components.
    """
    detrended = _smoothness_priors(traces / np.maximum(traces.mean(axis=0), DARKEST) - 1, fps)
    length = 2 * round(_ICA_WINDOW_S * fps / 2)
    if len(traces) <= length:
        return _ica_window(detrended, fps)
    hop = length // 2
    starts = range(0, len(traces) - hop, hop)
    wave, weight = np.zeros(len(traces)), np.full(len(traces), 1e-12)
    for start in (min(start, len(traces) - length) for start in starts):
        taper = np.hanning(length + 2)[1:-1]
        wave[start : start + length] += taper * _ica_window(detrended[start : start + length], fps)
        weight[start : start + length] += taper
    return np.asarray(wave / weight)


METHODS: dict[str, Method] = {"green": green, "ica": ica, "chrom": chrom, "pos": pos}


@dataclass(frozen=True, slots=True)
class ClassicalModel:
    """A classical method as a PulseModel. It has no file and so no hash."""

    name: str
    input: InputSpec = field(default_factory=InputSpec)
    calibration: Calibration = DEFAULT_CALIBRATION

    @property
    def info(self) -> ModelInfo:
        """Name, version of the implementation, no hash."""
        return ModelInfo(self.name, "1.0.0", "")

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


def skin_colour(rgb: NDArray[np.float32]) -> Array:
    """Return the mean R, G, B of the skin, float64 (T, 3), of crops (T, 3, size, size).

    The face fills the middle 1/1.6 of a crop. Averaged is an ellipse of 0.4 by 0.54 of the crop in its centre: from the
    brows to the chin and between the ears, without hair, neck and background.
    """
    frames, channels, size, _ = rgb.shape
    at = (np.arange(size) + 0.5) / size - 0.5
    inside = np.flatnonzero((at[:, None] / 0.27) ** 2 + (at / 0.2) ** 2 <= 1)
    pixels = np.take(rgb.reshape(frames, channels, -1), inside, axis=-1)
    return np.asarray(pixels.mean(axis=-1, dtype=np.float64))


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


def _smoothness_priors(traces: Array, fps: float) -> Array:
    """Take the trend off (Tarvainen et al. 2002): (I - (I + s^2 D'D)^-1) traces, D the second difference.

    The trend keeps half of a wave at the frequency where s (2 sin(pi f / fps))^2 = 1, which sets s.
    """
    count = len(traces)
    if count < 3:
        return np.asarray(traces - traces.mean(axis=0))
    smooth = (2 * np.sin(np.pi * _ICA_DETREND_HZ / fps)) ** -4.0
    difference = np.zeros((3, count))
    bands = np.zeros((3, count))  # upper bands of D'D: second, first, diagonal
    difference[:, 1:-1] = np.array([1.0, -2.0, 1.0])[:, None]
    for left in range(3):
        for right in range(left, 3):
            products = difference[left, 1:-1] * difference[right, 1:-1]
            bands[2 - (right - left), right : right + count - 2] += products
    bands *= smooth
    bands[2] += 1
    return traces - np.asarray(linalg.solveh_banded(bands, traces))


def _ica_window(detrended: Array, fps: float) -> Array:
    """Return the component with the highest spectral peak, of unit variance."""
    centred = detrended - detrended.mean(axis=0)
    spread = centred.std(axis=0)
    if len(centred) < 4 or not (spread > 1e-9).all():
        return np.asarray(-centred[:, 1])  # nothing to unmix
    components = _fast_ica(centred / spread)
    component = components[:, np.argmax([_peak_share(one, fps) for one in components.T])]
    falls = np.sign(component @ centred[:, 1])
    return -component * (falls or 1.0)


def _fast_ica(signals: Array, *, iterations: int = 200, tolerance: float = 1e-8) -> Array:
    """Return the independent components (T, C), uncorrelated and of unit variance, of signals (T, C).

    Symmetric FastICA with the kurtosis contrast g(u) = u^3 from the identity, so that the result is deterministic.
    """
    values, vectors = np.linalg.eigh(signals.T @ signals / len(signals))
    white = signals @ (vectors / np.sqrt(np.maximum(values, values.max() * 1e-12)))
    unmixing = np.eye(signals.shape[1])
    for _ in range(iterations):
        components = white @ unmixing.T
        step = (components**3).T @ white / len(white) - 3 * unmixing
        left, _, right = np.linalg.svd(step)
        before, unmixing = unmixing, left @ right
        if np.abs(np.abs(np.einsum("ij,ij->i", before, unmixing)) - 1).max() < tolerance:
            break
    return np.asarray(white @ unmixing.T)


def _peak_share(component: Array, fps: float) -> float:
    """Return the largest share of the band's power within 0.1 Hz of one frequency."""
    tapered = component * np.hanning(len(component))
    power = np.abs(np.fft.rfft(tapered, 4 * len(tapered))) ** 2
    frequency = np.fft.rfftfreq(4 * len(tapered), 1 / fps)
    power = power[(frequency >= spectrum.BAND_HZ[0]) & (frequency <= spectrum.BAND_HZ[1])]
    width = max(1, round(2 * spectrum.SNR_HALF_WIDTH_HZ / frequency[1]))
    return float(np.convolve(power, np.ones(width), mode="same").max() / max(power.sum(), np.finfo(float).tiny))
