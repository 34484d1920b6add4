from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.synthesis.clips import STEADY, peak_bpm
from training.synthesis.pulse_wave import (
    TRUTH_HZ,
    PulseSettings,
    Truth,
    beat_shape,
    make_truth,
    real_beats,
    smooth_noise,
)


def _truth(settings: PulseSettings, duration_s: float = 30.0, seed: int = 0) -> Truth:
    return make_truth(settings, duration_s, np.random.default_rng(seed))


@pytest.mark.parametrize("bpm", [40.0, 72.0, 180.0])
def test_a_steady_heart_keeps_its_rate(bpm: float) -> None:
    truth = _truth(replace(STEADY, hr_bpm=bpm))
    assert truth.bpm == pytest.approx(bpm, abs=0.2)
    assert peak_bpm(truth.ppg, TRUTH_HZ) == pytest.approx(bpm, abs=1)


def test_beats_lie_on_the_waves_peaks() -> None:
    truth = _truth(STEADY)
    heights = np.interp(truth.beats_s, truth.times_s, truth.ppg)
    assert np.all(heights > 0.95 * truth.ppg.max())


def test_variability_makes_beats_of_unequal_length() -> None:
    lengths = np.diff(_truth(PulseSettings(60.0, rsa=0.06, jitter=0.01)).beats_s)
    assert 0.02 < lengths.std() < 0.12
    assert lengths.mean() == pytest.approx(1.0, abs=0.07)


def test_breathing_shows_in_the_beats_lengths() -> None:
    truth = _truth(PulseSettings(90.0, rsa=0.06, drift=0, jitter=0, breath_hz=0.25), 60.0)
    rates = np.interp(np.arange(2, 58, 0.1), truth.beats_s[1:], 1 / np.diff(truth.beats_s))
    power = np.abs(np.fft.rfft(rates - rates.mean()))
    assert np.fft.rfftfreq(len(rates), 0.1)[power.argmax()] == pytest.approx(0.25, abs=0.04)


def test_time_never_runs_backwards() -> None:
    for seed in range(5):
        truth = _truth(PulseSettings(150.0, rsa=0.08, drift=0.05, jitter=0.02), seed=seed)
        assert np.all(np.diff(truth.beats_s) > 0.2)


def test_without_a_pulse_there_is_no_truth() -> None:
    truth = _truth(replace(STEADY, strength=0.0))
    assert not truth.ppg.any()
    assert len(truth.beats_s) == 0
    assert np.isnan(truth.bpm)


@pytest.mark.parametrize("name", ["gaussian", "harmonic", *real_beats()])
def test_every_shape_is_normalised_and_closed(name: str) -> None:
    beat = beat_shape(replace(STEADY, shape=name))
    assert beat.mean() == pytest.approx(0, abs=1e-9)
    assert np.ptp(beat) == pytest.approx(1)
    assert abs(beat[0] - beat[-1]) < 0.1


def test_second_harmonic_can_be_as_strong_as_the_first() -> None:
    spectrum = np.abs(np.fft.rfft(beat_shape(replace(STEADY, shape="harmonic", notch=1.0))))
    assert spectrum[2] == pytest.approx(spectrum[1], rel=1e-6)


def test_real_beats_rise_faster_than_they_fall() -> None:
    assert len(real_beats()) >= 15
    assert all(np.argmax(beat) < len(beat) / 2 for beat in real_beats().values())


def test_csv_round_trip(tmp_path: Path) -> None:
    truth = _truth(PulseSettings(72.0), 10.0)
    truth.write_csv(tmp_path / "truth.csv")
    again = Truth.read_csv(tmp_path / "truth.csv")
    np.testing.assert_allclose(again.times_s, truth.times_s, atol=1e-6)
    np.testing.assert_allclose(again.ppg, truth.ppg, atol=1e-5)
    np.testing.assert_allclose(again.beats_s, truth.beats_s, atol=1 / TRUTH_HZ)
    assert again.bpm == pytest.approx(truth.bpm, abs=0.2)


def test_smooth_noise_stays_in_its_band() -> None:
    times_s = np.arange(0, 200, 0.05)
    curve = smooth_noise(times_s, 0.2, 0.5, np.random.default_rng(1))
    power = np.abs(np.fft.rfft(curve * np.hanning(len(curve)))) ** 2
    freqs = np.fft.rfftfreq(len(curve), 0.05)
    assert power[(freqs > 0.18) & (freqs < 0.52)].sum() > 0.99 * power.sum()
    assert curve.std() == pytest.approx(1, abs=0.2)


def test_breathing_lifts_the_wave_without_a_jump() -> None:
    for seed in range(8):
        calm, lifted = (_truth(replace(STEADY, baseline_depth=depth), 20.0, seed).ppg for depth in (0.0, 0.5))
        breath = lifted - calm
        assert np.ptp(breath) == pytest.approx(1.0, abs=0.05)
        assert np.abs(np.diff(breath)).max() < 0.01
