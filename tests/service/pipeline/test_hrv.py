import warnings
from dataclasses import replace

import numpy as np
import pytest

from service.pipeline.answers import Hrv, Withheld
from service.pipeline.beats import NONE, Beats, find_beats
from service.pipeline.hrv import variability
from tests.service.pipeline.heart import beats_after, intervals_ms, known_beats, known_rate, rate_of, wave_of
from tests.service.pipeline.signals import Array, coloured_noise

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import neurokit2 as nk

PEAKS_HZ = 1000


def measured(beats: Beats, *, bpm: float = 70.0, duration_s: float = 60.0, confidence: float = 0.95) -> Hrv:
    hrv = variability(beats, known_rate(bpm, duration_s, confidence))
    assert isinstance(hrv, Hrv)
    return hrv


def peaks_of(intervals: Array) -> Array:
    """Return peaks in whole milliseconds, as neurokit wants them."""
    return np.asarray(np.r_[0, np.cumsum(np.round(intervals))].astype(int) + 400)


def neurokit(function: str, peaks: Array, **options: object) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of short recordings, and of its own use of pandas
        table = getattr(nk, function)(peaks, sampling_rate=PEAKS_HZ, **options)
    return {str(name): float(table[name].iloc[0]) for name in table.columns}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("bpm", "duration_s"), [(58, 30), (72, 60), (95, 180)])
def test_time_domain_is_that_of_neurokit(bpm: float, duration_s: float, seed: int) -> None:
    peaks = peaks_of(intervals_ms(bpm, duration_s, jitter=0.04, rsa=0.05, seed=seed))
    ours = measured(known_beats(np.diff(peaks).astype(float)), duration_s=duration_s)
    theirs = neurokit("hrv_time", peaks)
    assert ours.rmssd_ms == pytest.approx(theirs["HRV_RMSSD"], rel=1e-6)
    assert ours.sdnn_ms == pytest.approx(theirs["HRV_SDNN"], rel=1e-6)
    # neurokit divides by the number of intervals, the Task Force by that of their differences.
    differences = len(ours.ibi_ms) - 1
    assert ours.pnn50 == pytest.approx(theirs["HRV_pNN50"] * (differences + 1) / differences, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_bands_are_those_of_neurokit(seed: int) -> None:
    breathing = intervals_ms(70, 300, jitter=0.01, rsa=0.04, seed=seed)
    peaks = peaks_of(breathing + 40 * np.sin(2 * np.pi * 0.1 * np.arange(len(breathing))))
    ours = measured(known_beats(np.diff(peaks).astype(float)), duration_s=300)
    theirs = neurokit("hrv_frequency", peaks, psd_method="welch", interpolation_rate=4, normalize=False)
    assert ours.hf_ms2 == pytest.approx(theirs["HRV_HF"], rel=0.15)
    assert ours.lf_ms2 == pytest.approx(theirs["HRV_LF"], rel=0.15)
    assert ours.lf_hf == pytest.approx(theirs["HRV_LFHF"], rel=0.25)


@pytest.mark.parametrize(("breath_hz", "is_hf"), [(0.1, False), (0.3, True)])
def test_a_rhythm_has_its_power_in_its_band(breath_hz: float, is_hf: bool) -> None:
    intervals = intervals_ms(70, 120, jitter=0.0, rsa=0.04, breath_hz=breath_hz)
    hrv = measured(known_beats(intervals), duration_s=120)
    low, high = hrv.lf_ms2 or 0.0, hrv.hf_ms2 or 0.0
    assert (high if is_hf else low) == pytest.approx(np.var(intervals), rel=0.15)
    assert (low if is_hf else high) < 0.05 * np.var(intervals)


def test_below_a_minute_there_are_no_bands() -> None:
    hrv = measured(known_beats(intervals_ms(70, 59)), duration_s=59.5)
    assert (hrv.lf_ms2, hrv.hf_ms2, hrv.lf_hf) == (None, None, None)


def test_a_heart_like_a_clock_has_no_variability() -> None:
    hrv = measured(known_beats(np.full(70, 850.0)))
    assert (hrv.sdnn_ms, hrv.rmssd_ms, hrv.pnn50) == pytest.approx((0, 0, 0), abs=1e-6)
    assert hrv.lf_hf is None or np.isfinite(hrv.lf_hf)


def test_artefacts_count_nowhere() -> None:
    intervals = intervals_ms(72, 60, seed=1)
    spoilt, normal = intervals.copy(), np.ones(len(intervals), bool)
    spoilt[[20, 21]] += (400, -350)
    normal[[20, 21]] = False
    steps = np.diff(intervals)[normal[1:] & normal[:-1]]
    hrv = measured(known_beats(spoilt, normal=normal))
    assert hrv.sdnn_ms == pytest.approx(intervals[normal].std(ddof=1))
    assert hrv.rmssd_ms == pytest.approx(np.sqrt((steps**2).mean()))
    assert hrv.artefacts_ratio == pytest.approx(2 / len(intervals))
    assert hrv.ibi_ok.count(False) == 2
    assert len(hrv.beats_s) == len(hrv.ibi_ms) + 1


@pytest.mark.parametrize("seed", range(5))
def test_what_errors_of_times_add_is_taken_off(seed: int) -> None:
    intervals = intervals_ms(72, 120, jitter=0.03, seed=seed)
    clean = known_beats(intervals)
    shift_s = 0.005 * np.random.default_rng(seed + 100).standard_normal(len(clean.times_s))
    noisy = replace(clean, times_s=clean.times_s + shift_s, timing_error_ms=5.0)
    truth, ours = measured(clean, duration_s=120), measured(noisy, duration_s=120)
    raw = measured(replace(noisy, timing_error_ms=0.0), duration_s=120)
    assert ours.rmssd_ms < raw.rmssd_ms
    assert ours.rmssd_ms == pytest.approx(truth.rmssd_ms, abs=4)
    assert ours.sdnn_ms == pytest.approx(truth.sdnn_ms, abs=3)
    assert (ours.hf_ms2 or 0) < (raw.hf_ms2 or 0)


def test_no_more_is_taken_off_than_there_is() -> None:
    hrv = measured(known_beats(intervals_ms(72, 60, jitter=0.002), timing_error_ms=4.9))
    assert (hrv.rmssd_ms, hrv.sdnn_ms, hrv.pnn50) == (0, 0, 0)


def refusal(beats: Beats, duration_s: float = 30.0, confidence: float = 0.95, *, ok: bool = True) -> str:
    hrv = variability(beats, known_rate(72, duration_s, confidence, ok=ok))
    assert isinstance(hrv, Withheld)
    assert hrv.detail.endswith(".")
    return hrv.code


def test_why_it_is_not_said() -> None:
    good = known_beats(intervals_ms(72, 30))
    few = known_beats(intervals_ms(72, 30), normal=np.arange(len(good.normal)) % 4 > 0)
    assert refusal(good, confidence=0.79) == "low_confidence"
    assert refusal(good, ok=False) == "low_confidence"
    assert refusal(good, duration_s=19.0) == "too_short"
    assert refusal(few) == "too_many_artefacts"
    assert refusal(known_beats(intervals_ms(72, 9))) == "too_many_artefacts"
    assert refusal(NONE) == "too_many_artefacts"
    assert refusal(replace(good, timing_error_ms=8.1)) == "wave_too_noisy"
    assert refusal(known_beats(intervals_ms(72, 30, jitter=0.01), timing_error_ms=5.1)) == "wave_too_noisy"
    assert refusal(replace(good, timing_error_ms=float("inf"))) == "wave_too_noisy"


def test_a_lively_heart_may_be_a_little_noisier() -> None:
    lively = known_beats(intervals_ms(72, 30, jitter=0.05), timing_error_ms=7.9)
    assert measured(lively, duration_s=30.0).rmssd_ms > 30


@pytest.mark.parametrize("bpm", [50, 72, 100])
@pytest.mark.parametrize("level", [0.02, 0.1, 0.3, 1.0])
def test_from_a_noisy_wave_it_is_right_or_not_said(bpm: float, level: float) -> None:
    truth_s = beats_after(intervals_ms(bpm, 40, jitter=0.02, rsa=0.03, seed=int(bpm)))
    wave = wave_of(truth_s, 40.5)
    wave += level * coloured_noise(len(wave), 1, seed=int(bpm))
    rate = replace(rate_of(wave), status="ok", confidence=0.95)
    hrv = variability(find_beats(wave, rate), rate)
    steps_ms = 1000 * np.diff(truth_s, 2)
    if isinstance(hrv, Hrv):
        assert hrv.rmssd_ms == pytest.approx(np.sqrt((steps_ms**2).mean()), abs=10)
        assert hrv.sdnn_ms == pytest.approx((1000 * np.diff(truth_s)).std(ddof=1), abs=10)
    assert isinstance(hrv, Hrv if level < 0.1 else (Hrv, Withheld) if level < 1 else Withheld)
