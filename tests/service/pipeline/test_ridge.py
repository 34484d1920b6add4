import numpy as np
import pytest

from service.pipeline import ridge, spectrum
from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.ridge import Ridge
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, times
from tests.service.pipeline.test_mean_rate import FPS, peaks_hz, true_bpm, wave_of


def deep_breaths(duration_s: float = 10.0, *, slowest: float = 52.0, fastest: float = 82.0) -> Array:
    """Rates (T,) of breaths of 10 s, which dwell at both ends."""
    swing = np.tanh(3 * np.sin(2 * np.pi * times(duration_s, FPS) / 10))
    return np.asarray((fastest + slowest) / 2 + (fastest - slowest) / 2 * swing)


def followed(wave: Array, rate_hz: Array | None = None, fps: float = FPS) -> tuple[spectrum.Spectra, Ridge]:
    spectra = spectrum.power_spectra(wave, fps)
    return spectra, ridge.follow(wave, spectra, peaks_hz(spectra) if rate_hz is None else rate_hz)


@pytest.mark.parametrize("fps", [15.0, 20.0, 30.0])
def test_a_steady_rate_is_its_own_ridge(fps: float) -> None:
    for bpm in (42.0, 48.0, 60.7, 100.0, 131.0, 180.0):
        for duration_s in (4.0, 7.3, 10.0, 25.0):
            wave, _ = wave_of(np.full(round(duration_s * fps), bpm), fps)
            _, found = followed(wave, fps=fps)
            np.testing.assert_allclose(60 * found.mean_hz, bpm, atol=2 if duration_s >= 10 else 4)
            assert found.gain_nats.max() < 0.15
            assert found.gain_nats.min() > -0.4  # at 42 bpm, which is not as usual as its neighbours


@pytest.mark.parametrize(("slowest", "fastest"), [(52.0, 82.0), (50.0, 75.0), (74.0, 96.0)])
def test_a_rate_that_dwells_at_both_ends_of_a_breath_has_its_mean(slowest: float, fastest: float) -> None:
    wave, turns = wave_of(deep_breaths(slowest=slowest, fastest=fastest))
    spectra, found = followed(wave)
    peak, mean = 60 * peaks_hz(spectra)[0], true_bpm(turns, spectra)[0]
    assert abs(peak - mean) > 7
    assert found.gain_nats[0] > 1
    assert 60 * found.where_it_swings(np.array([[peak / 60]]))[0, 0] == pytest.approx(mean, abs=2.5)


@pytest.mark.parametrize("duration_s", [10.0, 60.0])
def test_what_swings_little_keeps_its_own_rate(duration_s: float) -> None:
    wave, _ = wave_of(deep_breaths(duration_s, slowest=63.0, fastest=71.0))
    _, found = followed(wave)
    own_hz = np.linspace(1.0, 1.2, len(found.mean_hz))
    np.testing.assert_array_equal(found.where_it_swings(own_hz[:, None]), own_hz[:, None])


def test_the_path_answers_from_three_quarters_of_a_nat_on() -> None:
    found = Ridge(np.array([1.0, 1.0]), np.array([0.74, 0.76]))
    assert found.where_it_swings(np.array([[1.2, 1.4], [1.2, 1.4]])).tolist() == [[1.2, 1.4], [1.0, 1.0]]


def test_ten_seconds_swing_nearly_as_far_alone_as_within_a_minute() -> None:
    wave, _ = wave_of(deep_breaths(60.0))
    _, whole = followed(wave)
    for start_s in (10, 15, 20, 33):
        _, alone = followed(wave[round(start_s * FPS) : round((start_s + 10) * FPS)])
        assert -0.1 < whole.gain_nats[start_s] - alone.gain_nats[0] < 0.55
        assert alone.gain_nats[0] > 0.75


def test_the_path_is_near_the_rate_of_its_own_time() -> None:
    bpm = np.where(times(40, FPS) < 20, 60.0, 90.0)  # further than any path reaches
    wave, _ = wave_of(bpm)
    spectra, found = followed(wave)
    middle_s = (spectra.starts + spectra.length / 2) / FPS
    np.testing.assert_allclose(60 * found.mean_hz[middle_s <= 14], 60, atol=2)
    np.testing.assert_allclose(60 * found.mean_hz[middle_s >= 26], 90, atol=2)


@pytest.mark.parametrize(("slope", "bpm"), [(0.0, 64.0), (3.0, 82.0)])
def test_the_noises_slope_is_that_of_the_spectra(slope: float, bpm: float) -> None:
    t = times(20, FPS)
    wave = np.sin(2 * np.pi * 64 / 60 * t) + 0.8 * np.sin(2 * np.pi * 82 / 60 * t)
    spectra = spectrum.power_spectra(wave, FPS, slope)
    np.testing.assert_allclose(60 * ridge.follow(wave, spectra, np.full(11, 72 / 60)).mean_hz, bpm, atol=3)


def test_of_two_lines_the_more_usual_one_is_followed() -> None:
    t = times(20, FPS)
    wave = np.sin(2 * np.pi * 145 / 60 * t) + 0.95 * np.sin(2 * np.pi * 185 / 60 * t)
    spectra, found = followed(wave, np.full(11, 160 / 60))
    np.testing.assert_allclose(60 * found.mean_hz, 145, atol=3)
    assert (
        spectra.flat[0, round(185 / 60 / spectra.frequency_hz[1])]
        > 1.2 * spectra.flat[0, round(145 / 60 / spectra.frequency_hz[1])]
    )


def test_each_window_has_the_mean_of_its_own_steps() -> None:
    bpm = np.linspace(60, 100, round(60 * FPS))
    wave, turns = wave_of(bpm)
    spectra, found = followed(wave, np.asarray(true_bpm(wave_of(bpm)[1], spectrum.power_spectra(wave, FPS))) / 60)
    np.testing.assert_allclose(60 * found.mean_hz, true_bpm(turns, spectra), atol=1)


@pytest.mark.parametrize(("ratio", "strength"), [(0.5, 3.0), (1.5, 0.7), (2.0, 3.0)])
def test_the_ridge_stays_near_the_windows_rate(ratio: float, strength: float) -> None:
    wave, _ = wave_of(np.full(600, 80.0))
    beside = strength * np.sin(2 * np.pi * ratio * 80 / 60 * times(20, FPS))
    _, found = followed(wave + beside, np.full(11, 80 / 60))
    np.testing.assert_allclose(60 * found.mean_hz, 80, atol=2.5)


def test_noise_is_not_steady() -> None:
    gains = [followed(coloured_noise(300, 1, seed=seed))[1].gain_nats[0] for seed in range(40)]
    assert min(gains) > -0.2
    assert np.median(gains) > 0.2


def test_nothing_has_no_ridge() -> None:
    _, found = followed(np.zeros(400), np.full(4, 1.5))
    np.testing.assert_array_equal(found.gain_nats, 0)
    assert np.isfinite(found.mean_hz).all()


def test_size_does_not_matter() -> None:
    wave, _ = wave_of(deep_breaths(30))
    (_, large), (_, small) = followed(wave), followed(1e-6 * wave)
    np.testing.assert_allclose(small.mean_hz, large.mean_hz)
    np.testing.assert_allclose(small.gain_nats, large.gain_nats)


def test_a_recordings_rate_is_that_of_its_ridge_and_trusted_less() -> None:
    answers, steadiness = [], []
    for slowest, fastest in ((66.0, 68.0), (52.0, 82.0)):
        wave, turns = wave_of(deep_breaths(slowest=slowest, fastest=fastest))
        pulse = as_pulse(wave, FPS)
        answers.append(heart_rate(pulse))
        steadiness.append(quality_features(pulse)["steadiness"])
        assert answers[-1].bpm == pytest.approx(true_bpm(turns, spectrum.power_spectra(wave, FPS))[0], abs=2.5)
    assert steadiness[0] > 0.9
    assert steadiness[1] == 0
    assert answers[1].confidence < answers[0].confidence - 0.2
    assert answers[1].windows[0].confidence < answers[0].windows[0].confidence - 0.2
