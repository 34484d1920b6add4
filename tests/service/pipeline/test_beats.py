import numpy as np
import pytest

from service.pipeline.answers import Hrv, Respiration
from service.pipeline.beats import Beats, find_beats
from service.pipeline.pulse import extras, heart_rate
from tests.service.pipeline.heart import FPS, beats_after, intervals_ms, known_rate, rate_of, wave_of
from tests.service.pipeline.signals import PULSELESS, Array, coloured_noise, pulse_wave


def errors_ms(found: Beats, truth_s: Array) -> Array:
    """Return how far each found beat is from the true one nearest to it."""
    away = found.times_s[:, None] - truth_s
    return np.asarray(1000 * away[np.arange(len(away)), np.abs(away).argmin(axis=1)])


def find(wave: Array) -> Beats:
    return find_beats(wave, rate_of(wave))


@pytest.mark.parametrize("bpm", [45, 60, 83, 110, 150])
@pytest.mark.parametrize("rsa", [0.0, 0.05])
def test_beats_of_a_clean_wave_are_found_to_two_milliseconds(bpm: float, rsa: float) -> None:
    truth_s = beats_after(intervals_ms(bpm, 30, jitter=0.01, rsa=rsa))
    found = find(wave_of(truth_s, 30.5))
    errors = errors_ms(found, truth_s)
    assert errors.std() < 2.0
    assert abs(errors.mean()) < 12  # the highest point of the average beat: a band-passed pulse leans a little
    assert len(found.times_s) >= len(truth_s) - 3
    assert found.normal.all()


def test_every_frame_rate_gives_the_same_beats() -> None:
    truth_s = beats_after(intervals_ms(72, 20, rsa=0.03))
    for fps in (15.0, 25.0, 29.97, 60.0):
        wave = wave_of(truth_s, 20.5, fps=fps)
        assert errors_ms(find_beats(wave, rate_of(wave, fps)), truth_s).std() < 3.0


def test_intervals_are_those_of_the_heart() -> None:
    truth_s = beats_after(intervals_ms(72, 30, rsa=0.03, seed=1))
    found = find(wave_of(truth_s, 30.5))
    first = np.abs(truth_s - found.times_s[0]).argmin()
    true_ms = 1000 * np.diff(truth_s[first:])[: len(found.intervals_ms)]
    assert np.abs(found.intervals_ms - true_ms).max() < 6


def test_a_rate_that_climbs_by_half_keeps_all_its_beats() -> None:
    intervals = 1000 * np.linspace(1.0, 0.66, 70)
    truth_s = beats_after(intervals)
    found = find(wave_of(truth_s, truth_s[-1] + 0.5))
    assert found.normal.all()
    assert errors_ms(found, truth_s).std() < 8
    assert len(found.times_s) >= len(truth_s) - 3


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("exponent", [0.0, 2.0])
def test_the_error_of_times_is_known_from_the_wave(level: float, exponent: float) -> None:
    said, real = [], []
    for seed in range(6):
        truth_s = beats_after(intervals_ms(75, 40, seed=seed))
        wave = wave_of(truth_s, 40.5)
        found = find(wave + level * coloured_noise(len(wave), exponent, seed=seed))
        said.append(found.timing_error_ms)
        real.append(errors_ms(found, truth_s)[found.good].std())
    assert 0.6 < np.mean(said) / np.mean(real) < 2.0 or max(said) < 2.5


def test_breathing_that_changes_the_height_is_no_noise() -> None:
    truth_s = beats_after(intervals_ms(72, 30, jitter=0.01))
    heights = 1 + 0.25 * np.sin(2 * np.pi * 0.3 * truth_s)
    assert find(wave_of(truth_s, 30.5, heights=heights)).timing_error_ms < 6


def test_a_missed_beat_makes_one_interval_that_is_not_normal() -> None:
    truth_s = beats_after(intervals_ms(72, 30, jitter=0.01))
    heights = np.ones(len(truth_s))
    heights[15] = 0
    found = find(wave_of(truth_s, 30.5, heights=heights))
    gap = (found.times_s[1:] > truth_s[14] + 0.1) & (found.times_s[:-1] < truth_s[16] - 0.1)
    assert not found.normal[gap].any()
    assert found.normal[~gap].mean() > 0.9


def test_an_early_beat_and_its_pause_are_not_normal() -> None:
    intervals = intervals_ms(66, 30, jitter=0.01)
    intervals[14:16] *= (0.65, 1.35)
    truth_s = beats_after(intervals)
    found = find(wave_of(truth_s, 30.5))
    near = np.abs((found.times_s[1:] + found.times_s[:-1]) / 2 - truth_s[15]) < 0.8
    assert not found.normal[near].any()
    assert found.normal.mean() > 0.85


def test_beats_in_what_was_filled_in_are_not_good() -> None:
    truth_s = beats_after(intervals_ms(72, 30))
    wave = wave_of(truth_s, 30.5)
    valid = np.ones(len(wave), bool)
    valid[300:330] = False
    found = find_beats(wave, rate_of(wave), valid)
    hit = (found.times_s > 10.2) & (found.times_s < 10.8)
    assert not found.good[hit].any()
    assert found.good[(found.times_s < 9) | (found.times_s > 12)].all()


def test_a_burst_spoils_its_own_beats_only() -> None:
    truth_s = beats_after(intervals_ms(72, 40, jitter=0.01))
    wave = wave_of(truth_s, 40.5)
    wave[600:690] += 1.5 * coloured_noise(90, 1, seed=3)
    found = find(wave)
    apart = (found.times_s[1:] < 18.5) | (found.times_s[:-1] > 24.5)
    assert found.normal[apart].all()


def test_scale_and_drift_change_nothing() -> None:
    wave = pulse_wave(75, 30, FPS, variability=0.02)
    drifting = 1e6 * (wave + np.linspace(0, 20, len(wave)))
    one, other = find_beats(wave, rate_of(wave)), find_beats(drifting, rate_of(wave))
    assert np.abs(one.times_s[1:-1] - other.times_s[1:-1]).max() < 0.002


@pytest.mark.parametrize(
    "wave", [np.zeros(900), np.full(900, 7.0), np.zeros(0), np.zeros(1), np.sin(np.arange(60) / 4.0)]
)
def test_where_no_beats_are_there_are_none(wave: Array) -> None:
    for rate in (rate_of(wave), known_rate(72, 30)):
        found = find_beats(wave, rate)
        assert len(found.times_s) == len(found.normal) == len(found.intervals_ms) == 0
        assert found.timing_error_ms == float("inf")


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_precise_beats(seed: int) -> None:
    found = find_beats(coloured_noise(900, 2, seed=seed), known_rate(72, 30))
    assert found.timing_error_ms > 8
    assert found.normal.mean() < 0.7


def test_the_wave_is_not_changed() -> None:
    wave = pulse_wave(75, 20, FPS)
    before = wave.copy()
    find(wave)
    assert np.array_equal(wave, before)


@pytest.mark.parametrize("family", sorted(PULSELESS))
@pytest.mark.parametrize("samples", [150, 600, 1800])
def test_what_has_no_pulse_breaks_nothing(family: str, samples: int) -> None:
    pulse = PULSELESS[family](samples, samples)
    for rate in (heart_rate(pulse), known_rate(44, samples / FPS), known_rate(238, samples / FPS)):
        hrv, breath = extras(pulse, rate)
        found = find_beats(np.asarray(pulse.samples, np.float64), rate)
        assert np.isfinite(found.times_s).all()
        assert (np.diff(found.times_s) > 0).all()
        assert not isinstance(hrv, Hrv) or np.isfinite([hrv.rmssd_ms, hrv.sdnn_ms, hrv.pnn50]).all()
        assert not isinstance(breath, Respiration) or np.isfinite(breath.breaths_per_minute)


@pytest.mark.parametrize(
    "wave",
    [
        np.arange(900.0),
        np.r_[np.zeros(450), np.ones(450)],
        np.r_[np.zeros(899), 1.0],
        np.r_[np.zeros(600), pulse_wave(72, 10, FPS)],
    ],
    ids=["ramp", "step", "end", "half silent"],
)
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_strange_waves_break_nothing(wave: Array, scale: float) -> None:
    found = find_beats(scale * wave, known_rate(72, 30))
    assert np.isfinite(found.times_s).all()
    assert len(found.normal) == max(len(found.times_s) - 1, 0)
