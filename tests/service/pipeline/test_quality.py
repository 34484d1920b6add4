from dataclasses import replace

import numpy as np
import pytest

from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.quality import (
    DEFAULT_CALIBRATION,
    ECHO,
    LOWEST,
    QUALITY_FEATURES,
    checked,
    confidence,
    fit_calibration,
    rate,
    window_confidences,
)
from service.pipeline.spectrum import hann_spectra, power_spectra, prominence_db
from service.pipeline.types import Calibration
from tests.service.pipeline import calibration
from tests.service.pipeline.signals import PULSELESS, as_pulse, coloured_noise, controls, pulse_wave

OWN_FEATURES = tuple(name for name in QUALITY_FEATURES if name != "colour_db")


@pytest.mark.parametrize("samples", [150, 300, 600])
@pytest.mark.parametrize("family", PULSELESS)
def test_what_has_no_pulse_gets_no_confidence(family: str, samples: int) -> None:
    features = (quality_features(PULSELESS[family](samples, seed)) for seed in range(100))
    *most, highest = sorted(confidence(f, DEFAULT_CALIBRATION) for f in features)
    assert most[-1] < 0.3
    assert highest < 0.5  # one in a hundred times chance looks like this much of a pulse


@pytest.mark.parametrize("samples", [1800, 18000])
@pytest.mark.parametrize("family", PULSELESS)
def test_nor_does_it_in_a_long_recording(family: str, samples: int) -> None:
    for seed in range(3):
        result = heart_rate(PULSELESS[family](samples, seed + 200))
        assert result.confidence < 0.3
        assert result.status == "low_quality"


@pytest.mark.parametrize("bpm", [45, 60, 75, 100, 140, 190])
@pytest.mark.parametrize("duration_s", [12, 20, 60])
@pytest.mark.parametrize("derivative", [False, True])
def test_a_clean_pulse_gets_confidence(bpm: float, duration_s: float, derivative: bool) -> None:
    wave = pulse_wave(bpm, duration_s, 30, variability=0.02)
    wave += 0.4 * coloured_noise(len(wave), 1, seed=int(bpm))
    pulse = as_pulse(np.diff(wave), 30, "derivative") if derivative else as_pulse(wave, 30)
    result = heart_rate(pulse)
    assert result.snr_db > 5
    assert result.confidence > 0.8
    assert abs(result.bpm - bpm) < 2


def test_a_clean_pulse_of_five_seconds_gets_confidence() -> None:
    wave = pulse_wave(72, 5, 30) + 0.05 * coloured_noise(150, 0, seed=1)
    assert heart_rate(as_pulse(wave, 30)).confidence > 0.8


def test_confidence_means_what_it_says() -> None:
    features, correct, _ = calibration.mixture(
        range(10_001, 10_801, 2)
    )  # the odd ones have a pulse; none was fitted on
    trust = np.array([confidence(f, DEFAULT_CALIBRATION) for f in features])
    right = np.array(correct)
    assert right[trust >= 0.8].mean() >= 0.95
    assert right[trust < 0.3].mean() < 0.6 < right[trust >= 0.5].mean()


def test_the_default_is_the_fit_to_the_mixture() -> None:
    fitted = calibration.fit()
    assert fitted.bias == pytest.approx(DEFAULT_CALIBRATION.bias, abs=0.02)
    assert fitted.weights == pytest.approx(DEFAULT_CALIBRATION.weights, abs=0.01)


@pytest.mark.parametrize("family", PULSELESS)
def test_features_are_named_and_bounded(family: str) -> None:
    features = quality_features(PULSELESS[family](400, 5))
    assert tuple(features) == OWN_FEATURES
    assert all(LOWEST[name] <= value <= 20 for name, value in features.items())
    assert all(0 <= features[name] <= 1 for name in ("dominance", "agreement", "steadiness"))


def test_a_short_recording_has_the_lowest_features() -> None:
    assert quality_features(as_pulse(np.ones(100), 30)) == LOWEST


def test_more_of_any_feature_is_more_confidence() -> None:
    base = quality_features(as_pulse(pulse_wave(70, 20, 30) + coloured_noise(600, 0, seed=2), 30))
    for name in OWN_FEATURES:
        assert confidence(base | {name: base[name] + 0.5}, DEFAULT_CALIBRATION) > confidence(base, DEFAULT_CALIBRATION)


def test_a_window_whose_own_peak_lies_elsewhere_is_not_believed_whatever_the_weights() -> None:
    wave = pulse_wave(70, 20, 30)
    rated = rate(wave, power_spectra(wave, 30))
    away = replace(rated, own_bpm=rated.bpm + np.array([0.0, 3.0, 6.0, 12.0, -40.0] + [0.0] * 6))
    sure = Calibration(bias=20.0, weights={})
    assert window_confidences(away, sure)[:6] == pytest.approx([1, 0.95, 0.5, 0, 0, 1], abs=0.01)


def test_a_rival_line_takes_confidence_that_snr_and_prominence_leave() -> None:
    wave = pulse_wave(70, 20, 30) + 0.3 * coloured_noise(600, 1, seed=3)
    rival = 0.9 * np.sin(2 * np.pi * 2.1 * np.arange(600) / 30)  # no multiple of the rate
    alone, beside = (quality_features(as_pulse(samples, 30)) for samples in (wave, wave + rival))
    assert beside["dominance"] < 0.7
    assert alone["dominance"] > 0.9
    features = (beside, beside | {"dominance": alone["dominance"]})
    doubt, without = (1 - confidence(of, DEFAULT_CALIBRATION) for of in features)
    assert doubt > 2 * without


def test_a_rival_at_an_unusual_rate_takes_less_dominance() -> None:
    at = np.arange(600) / 30

    def dominance(rival_hz: float) -> float:
        wave = np.sin(2 * np.pi * 1.2 * at) + 0.9 * (1.2 / rival_hz) ** 0.75 * np.sin(2 * np.pi * rival_hz * at)
        rated = rate(wave, power_spectra(wave, 30))
        assert rated.bpm == pytest.approx(72, abs=0.5)
        return float(rated.dominance.mean())

    assert dominance(1.8) < 0.7
    assert dominance(3.6) > 0.9


def test_each_window_counts_its_own_dominance() -> None:
    wave = pulse_wave(70, 20, 30)
    rated = rate(wave, power_spectra(wave, 30))
    disturbed = replace(rated, dominance=np.where(np.arange(len(rated.bpm)) == 3, 0.2, rated.dominance))
    lost = window_confidences(rated, DEFAULT_CALIBRATION) - window_confidences(disturbed, DEFAULT_CALIBRATION)
    assert lost[3] > 0.01
    assert not np.delete(lost, 3).any()


def test_a_rate_that_chrominance_does_not_know_is_not_believed() -> None:
    pulse = as_pulse(pulse_wave(70, 20, 30) + coloured_noise(600, 0, seed=2) / 3, 30)
    other = as_pulse(pulse_wave(100, 20, 30), 30)
    alone, known, unknown = (heart_rate(pulse, controls=c) for c in (None, controls(pulse), controls(other)))
    assert known.confidence == pytest.approx(alone.confidence, abs=0.02)
    assert alone.confidence > 0.8
    assert unknown.confidence < 0.05
    assert unknown.status == "low_quality"
    assert max(window.confidence for window in unknown.windows) < 0.05
    assert unknown.bpm == pytest.approx(alone.bpm)


def test_what_chrominance_could_not_show_is_believed_in_part() -> None:
    wave = pulse_wave(70, 20, 30)
    pulse = as_pulse(wave + coloured_noise(600, 0, seed=2) / 3, 30)
    noise = as_pulse(coloured_noise(600, 2, seed=5), 30)
    alone = heart_rate(pulse).confidence
    for strength, least, most in ((0.001, 0.7, 0.85), (1.0, 0.0, 0.05)):
        result = heart_rate(pulse, controls=controls(noise, places=[strength * wave] * 16))
        assert least <= result.confidence / alone <= most


@pytest.mark.parametrize(("due", "least_db"), [(0.0, 3.0), (2.0, 3.0), (2.5, -1.0), (3.0, -5.0), (np.inf, -np.inf)])
def test_chrominance_counts_for_less_where_it_could_not_show_a_pulse(due: float, least_db: float) -> None:
    for colour, is_clear in ((pulse_wave(70, 20, 30), True), (pulse_wave(100, 20, 30), False)):
        rated = rate(pulse_wave(70, 20, 30), power_spectra(pulse_wave(70, 20, 30), 30))
        found = checked(rated, hann_spectra(colour, 30), due=due, shown=-9.0, echo=0.0).colour_db
        alone = checked(rated, hann_spectra(colour, 30), due=np.inf, shown=0.0, echo=0.0).colour_db
        assert found is not None
        assert alone is not None
        assert (alone > 10) == is_clear
        assert found == max(alone, least_db)


@pytest.mark.parametrize(
    ("due", "shown", "least_db"),
    [(4.0, 1.7, 3.0), (4.0, 1.6, 2.2), (4.0, 9.0, 3.0), (10.0, 4.0, 3.0), (10.0, 3.5, -1.0)],
)
def test_chrominance_counts_for_more_where_all_windows_together_show_the_pulse(
    due: float, shown: float, least_db: float
) -> None:
    rated = rate(pulse_wave(70, 20, 30), power_spectra(pulse_wave(70, 20, 30), 30))
    silent = hann_spectra(pulse_wave(100, 20, 30), 30)
    assert checked(rated, silent, due=due, shown=shown, echo=0.0).colour_db == pytest.approx(least_db)


def test_a_minute_is_believed_no_less_than_its_seconds_where_colours_are_noisy() -> None:
    def confidence(seconds: float, seed: int) -> float:
        wave = pulse_wave(70, seconds, 30, variability=0.05)
        known = controls(as_pulse(wave + 6 * coloured_noise(len(wave), 1, seed=seed), 30), places=[0.6 * wave] * 16)
        noisy = as_pulse(wave + 0.3 * coloured_noise(len(wave), 1, seed=90 + seed), 30)
        return heart_rate(noisy, controls=known).confidence

    by_seconds = [np.median([confidence(seconds, seed) for seed in range(8)]) for seconds in (10, 60)]
    assert by_seconds[1] > by_seconds[0] > 0.7


def test_the_prominence_in_chrominance_is_a_feature() -> None:
    wave = pulse_wave(70, 20, 30)
    pulse = as_pulse(wave, 30)
    features = quality_features(pulse, controls=controls(pulse))
    assert tuple(features) == (*QUALITY_FEATURES, ECHO)
    by_hann = np.median(prominence_db(hann_spectra(wave, 30), np.full(11, 70 / 60)))
    assert features["colour_db"] == pytest.approx(by_hann, abs=0.01)
    assert features["colour_db"] != pytest.approx(features["prominence_db"], abs=0.02)  # another taper's


def test_a_rate_that_the_wall_knows_too_is_not_believed() -> None:
    wave = pulse_wave(70, 20, 30) + coloured_noise(600, 0, seed=2) / 3
    pulse = as_pulse(wave, 30)
    for strength, least, most in ((0.0, 0.8, 1.0), (0.1, 0.8, 1.0), (1.0, 0.0, 0.05)):
        result = heart_rate(pulse, controls=controls(pulse, skin=wave, around=strength * wave))
        assert least <= result.confidence <= most
        assert all(least * 0.9 <= window.confidence <= most for window in result.windows)


def test_the_echo_is_weighed_by_no_fit() -> None:
    rng = np.random.default_rng(0)
    features = [{"snr_db": float(snr), ECHO: float(rng.random())} for snr in rng.normal(0, 5, 200)]
    fitted = fit_calibration(features, [row["snr_db"] > rng.normal() for row in features])
    assert set(fitted.weights) == {"snr_db"}
    assert confidence({"snr_db": 10.0, ECHO: 0.0}, fitted) > 0.9
    assert confidence({"snr_db": 10.0, ECHO: 1.0}, fitted) < 0.01


def rows(values: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(OWN_FEATURES, row, strict=True)) for row in values.tolist()]


def test_the_fit_finds_the_weights_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    weights = [1.0, 2.0, 0.5, 0.0, 0.7, 0.3]
    values = rng.standard_normal((20_000, len(weights)))
    labels = rng.random(20_000) < 1 / (1 + np.exp(0.5 - values @ weights))
    fitted = fit_calibration(rows(values), labels, strength=0.0)
    assert fitted.bias == pytest.approx(-0.5, abs=0.1)
    assert list(fitted.weights.values()) == pytest.approx(weights, abs=0.1)


def test_the_fit_has_no_negative_weight() -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((500, len(OWN_FEATURES)))
    fitted = fit_calibration(rows(values), values[:, 0] < 0)
    assert min(fitted.weights.values()) >= 0


def test_importance_counts_like_repetition() -> None:
    rng = np.random.default_rng(2)
    values, labels = rng.standard_normal((300, len(OWN_FEATURES))), rng.random(300) < 0.5
    weighted = fit_calibration(rows(values), labels, np.where(labels, 3.0, 1.0))
    again = np.repeat(np.arange(300), np.where(labels, 3, 1))
    repeated = fit_calibration(rows(values[again]), labels[again])
    assert weighted.weights == pytest.approx(repeated.weights, abs=1e-4)


def test_equal_labels_give_a_finite_fit() -> None:
    fitted = fit_calibration(rows(np.zeros((10, len(OWN_FEATURES)))), [False] * 10)
    assert np.isfinite([fitted.bias, *fitted.weights.values()]).all()
