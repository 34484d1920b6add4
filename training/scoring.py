"""Models against a reference, through the service's own chain: heart rates, their windows, waves."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from service.pipeline.answers import Estimate, HeartRate
from service.pipeline.errors import InputError
from service.pipeline.estimate import Estimator
from training import metrics
from training.scores import Score, WaveScore, WindowScore
from training.takes import Reference, Take

STRETCH = 180  # samples, of a wave's figures: the clips of Yoon (2023)
_MAX_SHIFT_S = 0.5


def score_take(estimator: Estimator, take: Take, models: Sequence[str]) -> list[Score]:
    """Return each model's answer for one video."""
    try:
        answers = [estimate for some in _of_one_input(estimator, models) for estimate in _asked(estimator, take, some)]
    except InputError as error:
        bpm = take.bpm if take.reference is None or take.bpm is not None else take.reference.mean_bpm(np.inf)
        refused = 0.0, 0.0, 0.0, "refused", error.code
        return [Score(model, take.name, dict(take.groups), bpm, *refused) for model in models]
    return [_score(take, model, estimate) for model, estimate in answers]


def _asked(estimator: Estimator, take: Take, models: Sequence[str]) -> Iterator[tuple[str, Estimate]]:
    return zip(models, estimator.compare(take.open(), models), strict=True)


def _of_one_input(estimator: Estimator, models: Sequence[str]) -> Iterator[list[str]]:
    """Yield the models in groups that take the same crops, for one reading of the video each."""
    groups: dict[tuple[int, float], list[str]] = {}
    for model in models:
        spec = estimator.model(model).input
        groups.setdefault((spec.size, spec.fps), []).append(model)
    yield from groups.values()


def _score(take: Take, model: str, estimate: Estimate) -> Score:
    rate, reference = estimate.faces[0].heart_rate, take.reference
    bpm = take.bpm
    if bpm is None and reference is not None:
        bpm = reference.mean_bpm(estimate.video.duration_s)
    return Score(
        model,
        take.name,
        dict(take.groups),
        bpm,
        rate.bpm,
        rate.confidence,
        rate.snr_db,
        rate.status,
        windows=() if reference is None else _window_scores(rate, reference),
        wave=None if reference is None else wave_score(rate, reference),
    )


def _window_scores(rate: HeartRate, reference: Reference) -> tuple[WindowScore, ...]:
    return tuple(
        WindowScore(window.start_s, reference.bpm(window.start_s, window.end_s), window.bpm, window.confidence)
        for window in rate.windows
        if reference.pulse.works(window.start_s, window.end_s)
    )


def wave_score(rate: HeartRate, reference: Reference) -> WaveScore | None:
    """Compare the wave with the reference where both are; None where that is less than one stretch of STRETCH."""
    times_s = rate.start_s + np.arange(len(rate.bvp)) / rate.fps
    both = (times_s >= reference.pulse.times_s[0]) & (times_s <= reference.pulse.times_s[-1])
    if both.sum() < STRETCH:
        return None
    true, wave = z_scored(reference.wave(times_s[both][0], int(both.sum()), rate.fps)), z_scored(rate.bvp[both])
    cuts = range(0, len(true) - STRETCH + 1, STRETCH)
    pairs = [(true[cut : cut + STRETCH].tolist(), wave[cut : cut + STRETCH].tolist()) for cut in cuts]
    shifted_r, shift_s = _best_shift(true, wave, rate.fps)
    std, rmse, r = (
        float(np.mean([of(*pair) for pair in pairs])) for of in (metrics.std, metrics.rmse, metrics.pearson)
    )
    return WaveScore(std, rmse, r, shifted_r, shift_s)


def z_scored(wave: NDArray[np.floating]) -> metrics.Array:
    """Return a wave (T,) with mean 0 and variance 1, all 0 if it does not vary."""
    centred = np.asarray(wave, np.float64) - np.mean(wave)
    size = float(centred.std())
    return centred / size if size > 1e-12 else np.zeros(len(centred))


def _best_shift(true: metrics.Array, wave: metrics.Array, fps: float) -> tuple[float, float]:
    """Return the largest correlation among shifts of the wave of up to half a second, and that shift in seconds."""
    most = min(int(_MAX_SHIFT_S * fps), len(true) - 2)
    found = []
    for shift in range(-most, most + 1):
        shifted = wave[max(shift, 0) : len(wave) + min(shift, 0)]
        matching = true[max(-shift, 0) : len(true) - max(shift, 0)]
        found.append((metrics.pearson(matching.tolist(), shifted.tolist()), shift / fps))
    return max(found)
