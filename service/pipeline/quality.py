"""How far to trust a heart rate: named features of a recording's spectra, and the logistic function on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from service.pipeline import rate_choice, ridge, spectrum
from service.pipeline.ridge import Ridge
from service.pipeline.spectrum import Array, Spectra
from service.pipeline.types import Calibration

QUALITY_FEATURES: tuple[str, ...] = (
    "snr_db",
    "prominence_db",
    "dominance",
    "agreement",
    "steadiness",
    "duration",
    "colour_db",
)
"""Each grows with trust and is bounded, so that a fitted logistic function stays sane outside what it was fitted on.

snr_db: median over the windows, clipped to -10..15. prominence_db: the same, clipped to -10..20.
dominance: how much of a window's squared support, weighed by plausibility, lies within 6 bpm of its rate, the mean over
the windows (rate_choice.dominance): a second line as high leaves half. Windows in which the face is away have little.
agreement: 0..1, exp(-distance / 6 bpm) between the peaks of windows that share no sample, on average; windows of a
recording below 20 s still share some, and their agreement counts for the share that is new.
steadiness: 1 less what the ridge of the spectrogram explains better than a window's one rate, in nats a step (median,
clipped to 0..1). Hearts swing, but what needs much of that to be explained is seldom one.
duration: log2(recording / 10 s), clipped to -1..2.
colour_db: the prominence of the same rate in the chrominance signal of the face, clipped to -10..20; only where that
signal is given. A lamp that flickers and a head that nods change all colours alike, blood does not: where chrominance
knows nothing of a rate, no confidence is left of it, however clear it is. Unless it could not know: codecs spoil
colours first, and where a pulse of the strength that the brightness shows would drown in the noise of the chrominance
(chrominance.in_colour), less than 3 dB count as 3, which makes an answer `ok` at best, never a sure one. The same where
all windows together show what no one of them does: in phase with the wave, 1.7 times chance and 0.4 of what is due.

Beside them stands the echo, 0..1, which no fit weighs: how far the wave is one with the light around the face, with the
motion of the head or with the codec's key frames (controls.echo). Above a half little confidence is left.
"""

# Fitted to synthetic samples, tests/service/pipeline/calibration.py; a model's own manifest has what fits the model.
DEFAULT_CALIBRATION = Calibration(
    bias=-10.339,
    weights={
        "snr_db": 0.084,
        "prominence_db": 0.381,
        "dominance": 2.77,
        "agreement": 1.735,
        "steadiness": 3.932,
        "duration": 0.54,
    },
)

_RANGES = {
    "snr_db": (-10.0, 15.0),
    "prominence_db": (-10.0, 20.0),
    "dominance": (0.0, 1.0),
    "agreement": (0.0, 1.0),
    "steadiness": (0.0, 1.0),
    "duration": (-1.0, 2.0),
    "colour_db": (-10.0, 20.0),
}
LOWEST = {name: low for name, (low, _) in _RANGES.items()}
SILENT_HZ = float(np.sqrt(spectrum.BAND_HZ[0] * spectrum.BAND_HZ[1]))  # the band's middle: 100 bpm, said of nothing
_COLOUR_NEEDED_DB, _COLOUR_SOFTNESS_DB = 1.0, 1.5  # of prominence: half, and a factor e of the odds
_UNSEEN_DB, _UNSEEN_DUE, _FALL_DB = 3.0, 2.0, 8.0  # of what chrominance cannot show: up to there, less per one
_SHOWN = 1.7  # times chance: the least that all windows together have to show
_OF_DUE = 0.4  # and the least share of what is due; less per one, as above
ECHO = "echo"
_ECHO_LIMIT, _ECHO_SOFTNESS = 0.5, 0.05  # the same of the echo
_AGREEMENT_BPM = 6.0  # the half width of the line in the SNR's definition
_STRAY_SOFTNESS_BPM = 1.0  # beyond that distance from the path: a factor e of the odds


@dataclass(frozen=True, slots=True)
class Rated:
    """The windows' heart rates and what supports them, each (W,).

    bpm follows the path through all windows, own_bpm is each window's own peak; snr_db, prominence_db and dominance are
    taken at bpm in the window's own spectrum, the ridge near it. duration_s is that of the whole recording. colour_db
    and echo are what the video's other signals say of it, None where these are not known.
    """

    bpm: Array
    own_bpm: Array
    snr_db: Array
    prominence_db: Array
    dominance: Array
    ridge: Ridge
    duration_s: float
    colour_db: float | None = None
    echo: float | None = None


def rate(wave: Array, spectra: Spectra) -> Rated:
    """Find the heart rate in each window's spectrum, and measure what supports it there. wave: what these are of, (T,).

    The path prefers plausible rates; a window's own peak, by which it is judged, does not.
    """
    support = rate_choice.harmonic_support(spectra)
    plausible = support * rate_choice.plausibility(spectra)
    path = rate_choice.follow_rate(plausible, rate_choice.change_costs(spectra))
    silent = support.max(axis=1) <= 0
    own_hz, path_hz = (
        np.where(silent, SILENT_HZ, spectrum.peak_hz(spectra, bins)) for bins in (support.argmax(axis=1), path)
    )
    return Rated(
        bpm=60 * path_hz,
        own_bpm=60 * own_hz,
        snr_db=spectrum.snr_db(spectra, path_hz),
        prominence_db=spectrum.prominence_db(spectra, path_hz),
        dominance=rate_choice.dominance(plausible, spectra, path_hz),
        ridge=ridge.follow(wave, spectra, path_hz),
        duration_s=len(wave) / spectra.fps,
    )


def checked(rated: Rated, colour: Spectra, *, due: float, shown: float, echo: float) -> Rated:
    """Return the rates with what the video's other signals say of them: the spectra of chrominance, and the echo.

    Chrominance may have a window less or more. due (0..inf), shown (any sign): see chrominance; echo (0..1): see
    controls. Where less is due than a line would need to be seen, or where what is due is shown, colour_db is what that
    counts as at least.
    """
    count = min(len(colour.power), len(rated.bpm))
    first = colour.part(slice(count))
    colour_db = float(np.median(_clipped("colour_db", spectrum.prominence_db(first, rated.bpm[:count] / 60))))
    unseen_db = _UNSEEN_DB - _FALL_DB * max(due - _UNSEEN_DUE, 0.0)
    shown_db = _UNSEEN_DB - _FALL_DB * max(max(_SHOWN, _OF_DUE * due) - shown, 0.0)
    return replace(rated, colour_db=max(colour_db, unseen_db, shown_db), echo=echo)


def recording_features(rated: Rated) -> dict[str, float]:
    """Return the QUALITY_FEATURES of a whole recording, and the echo, where the video's other signals are known."""
    features = {
        "snr_db": float(_clipped("snr_db", np.median(rated.snr_db))),
        "prominence_db": float(_clipped("prominence_db", np.median(rated.prominence_db))),
        "dominance": float(rated.dominance.mean()),
        "agreement": _agreement(rated),
        "steadiness": float(_steadiness(np.median(rated.ridge.gain_nats))),
        "duration": _duration(rated),
    }
    return features | _checks(rated)


def window_confidences(rated: Rated, calibration: Calibration) -> Array:
    """Return (W,) in 0..1: the logistic function of each window's own features, its agreement that with the path.

    That agreement also counts that of the whole recording; the duration is the recording's. Where a window's own peak
    is 6 bpm from the path, half is left, at 10 next to nothing, whatever the weights: the path follows other windows
    there, or a more plausible rate.
    """
    distance_bpm = np.abs(rated.own_bpm - rated.bpm)
    own = np.exp(-distance_bpm / _AGREEMENT_BPM)
    features = {
        "snr_db": _clipped("snr_db", rated.snr_db),
        "prominence_db": _clipped("prominence_db", rated.prominence_db),
        "dominance": rated.dominance,
        "agreement": own * _agreement(rated),
        "steadiness": _steadiness(rated.ridge.gain_nats),
        "duration": np.full(len(own), _duration(rated)),
    }
    features |= {name: np.full(len(own), value) for name, value in _checks(rated).items()}
    return _logistic(calibration, features) * special.expit((_AGREEMENT_BPM - distance_bpm) / _STRAY_SOFTNESS_BPM)


def confidence(features: dict[str, float], calibration: Calibration) -> float:
    """Return the confidence in a recording with these features, 0..1. Features without a weight count nothing."""
    return float(_logistic(calibration, {name: np.array(value) for name, value in features.items()}))


def fit_calibration(
    features: Sequence[dict[str, float]],
    correct: Sequence[bool] | NDArray[np.bool_],
    importance: Sequence[float] | Array | None = None,
    *,
    strength: float = 1e-3,
) -> Calibration:
    """Fit the logistic function to recordings: their features, and whether the bpm was right (within 5 bpm).

    Logistic regression with weights that are not negative (every feature grows with trust, so a negative weight is
    chance and would extrapolate badly), and a ridge of `strength` on them in units of each feature's spread.
    importance: how much each recording counts, 1 where not given; for instance more where there is no pulse at all,
    since a confident number there is the worst failure.
    """
    names = tuple(name for name in QUALITY_FEATURES if name in features[0])
    table = np.array([[row[name] for name in names] for row in features])
    sign = np.where(np.asarray(correct, bool), 1.0, -1.0)
    share = np.ones(len(sign)) if importance is None else np.asarray(importance, np.float64)
    share = share / share.sum()
    mean = share @ table
    spread = np.maximum(np.sqrt(share @ (table - mean) ** 2), 1e-6)
    scaled = (table - mean) / spread

    def loss(parameters: Array) -> tuple[float, Array]:
        margin = sign * (parameters[0] + scaled @ parameters[1:])
        slope = -sign * special.expit(-margin) * share
        value = share @ np.logaddexp(0, -margin) + strength * (parameters[1:] ** 2).sum()
        return float(value), np.r_[slope.sum(), slope @ scaled + 2 * strength * parameters[1:]]

    bounds = [(None, None)] + [(0, None)] * len(names)
    fitted = optimize.minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = fitted[1:] / spread
    return Calibration(
        bias=float(fitted[0] - weights @ mean), weights={n: float(w) for n, w in zip(names, weights, strict=True)}
    )


def _agreement(rated: Rated) -> float:
    """Agreement of windows that share no sample; of those furthest apart, at a discount, where all share some."""
    disjoint = round(spectrum.WINDOW_S / spectrum.HOP_S)
    apart = min(disjoint, len(rated.own_bpm) - 1)
    if apart < 1:
        return 0.0
    distance = np.abs(rated.own_bpm[apart:] - rated.own_bpm[:-apart])
    return float(np.exp(-distance / _AGREEMENT_BPM).mean() * apart / disjoint)


def _steadiness(gain_nats: Array | np.floating) -> Array:
    return _clipped("steadiness", 1 - gain_nats)


def _duration(rated: Rated) -> float:
    return float(_clipped("duration", np.log2(max(rated.duration_s, 1.0) / spectrum.WINDOW_S)))


def _checks(rated: Rated) -> dict[str, float]:
    known = {"colour_db": rated.colour_db, ECHO: rated.echo}
    return {name: value for name, value in known.items() if value is not None}


def _clipped(name: str, values: Array | np.floating) -> Array:
    return np.clip(values, *_RANGES[name])


def _logistic(calibration: Calibration, features: dict[str, Array]) -> Array:
    terms = [calibration.weights.get(name, 0.0) * values for name, values in features.items()]
    logit = calibration.bias + np.sum(terms, axis=0)
    probability: Array = special.expit(logit)
    if "colour_db" in features:
        probability = probability * special.expit((features["colour_db"] - _COLOUR_NEEDED_DB) / _COLOUR_SOFTNESS_DB)
    if ECHO in features:
        probability = probability * special.expit((_ECHO_LIMIT - features[ECHO]) / _ECHO_SOFTNESS)
    return probability
