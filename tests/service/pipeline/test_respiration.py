from dataclasses import replace

import numpy as np
import pytest

from service.pipeline.answers import Respiration, Withheld
from service.pipeline.beats import NONE, Beats, find_beats
from service.pipeline.respiration import MIN_CONFIDENCE, breathing
from tests.service.pipeline.heart import beats_after, intervals_ms, known_beats, known_rate, rate_of, wave_of


def breath(beats: Beats, bpm: float = 72.0, duration_s: float = 30.0) -> Respiration:
    said = breathing(beats, known_rate(bpm, duration_s))
    assert isinstance(said, Respiration)
    return said


def breathing_heart(breath_hz: float, *, rsa: float, depth: float, duration_s: float = 30.0, seed: int = 0) -> Beats:
    """Return beats at 72 bpm whose distance and height follow the breath."""
    rng = np.random.default_rng(seed)
    intervals = intervals_ms(72, duration_s, jitter=0.004, rsa=rsa, breath_hz=breath_hz, seed=seed)
    times_s = beats_after(intervals)
    height = 1 + depth * np.sin(2 * np.pi * breath_hz * times_s + 1) + 0.02 * rng.standard_normal(len(times_s))
    beats = known_beats(intervals, amplitude=height)
    return replace(beats, width=0.02 * rng.standard_normal(len(times_s)))


@pytest.mark.parametrize("breath_hz", [0.12, 0.2, 0.27, 0.35, 0.45])
@pytest.mark.parametrize("duration_s", [20.5, 30.0, 120.0])
def test_the_rate_of_breathing_is_found(breath_hz: float, duration_s: float) -> None:
    beats = breathing_heart(breath_hz, rsa=0.04, depth=0.1, duration_s=duration_s)
    said = breath(beats, duration_s=duration_s)
    assert said.breaths_per_minute == pytest.approx(60 * breath_hz, abs=1)
    assert said.confidence >= MIN_CONFIDENCE


def test_more_modulations_give_more_confidence() -> None:
    both, one = breathing_heart(0.25, rsa=0.04, depth=0.15), breathing_heart(0.25, rsa=0.04, depth=0.0)
    said = breathing(one, known_rate(72, 30))
    assert breath(both).confidence > (said.confidence if isinstance(said, Respiration) else 0)


def test_hearts_without_breath_hardly_ever_get_one() -> None:
    still = [breathing(breathing_heart(0.25, rsa=0.0, depth=0.0, seed=seed), known_rate(72, 30)) for seed in range(60)]
    assert sum(isinstance(said, Respiration) for said in still) <= 3


def test_a_breath_faster_than_half_the_heart_is_not_looked_for() -> None:
    beats = breathing_heart(0.55, rsa=0.05, depth=0.2)
    said = breathing(beats, known_rate(60, 30))
    assert isinstance(said, Withheld) or said.breaths_per_minute < 27.5


def refusal(beats: Beats, duration_s: float = 30.0, confidence: float = 0.9, *, ok: bool = True) -> str:
    said = breathing(beats, known_rate(72, duration_s, confidence, ok=ok))
    assert isinstance(said, Withheld)
    assert said.detail.endswith(".")
    return said.code


def test_why_it_is_not_said() -> None:
    good = breathing_heart(0.25, rsa=0.04, depth=0.1)
    assert refusal(good, confidence=0.4) == "low_confidence"
    assert refusal(good, ok=False) == "low_confidence"
    assert refusal(good, duration_s=19.9) == "too_short"
    assert refusal(replace(good, normal=np.arange(len(good.normal)) % 2 > 0)) == "too_many_artefacts"
    assert refusal(NONE) == "too_many_artefacts"
    assert refusal(breathing_heart(0.25, rsa=0.0, depth=0.0)) == "modulation_unclear"


def test_a_heart_like_a_clock_does_not_breathe() -> None:
    assert refusal(known_beats(np.full(36, 830.0))) == "modulation_unclear"


@pytest.mark.parametrize("breath_hz", [0.18, 0.3])
def test_it_is_found_in_a_wave(breath_hz: float) -> None:
    truth_s = beats_after(intervals_ms(75, 30, jitter=0.005, rsa=0.04, breath_hz=breath_hz))
    wave = wave_of(truth_s, 30.5, heights=1 + 0.15 * np.sin(2 * np.pi * breath_hz * truth_s))
    said = breathing(find_beats(wave, rate_of(wave)), rate_of(wave))
    assert isinstance(said, Respiration)
    assert said.breaths_per_minute == pytest.approx(60 * breath_hz, abs=1)
