from itertools import pairwise

import numpy as np
import pytest

from service.pipeline import spectrum
from service.pipeline.spectrum import Spectra
from tests.service.pipeline.signals import Array, coloured_noise, times

FPS = 30.0


def lines(*powers: tuple[float, float], floor: float = 0.0, window_s: float = 10.0) -> Spectra:
    """Spectra of one window: bins of 0.05 Hz to 8 Hz, `floor` everywhere but at the (Hz, power) given."""
    frequency_hz: Array = np.arange(161, dtype=np.float64) * 0.05
    power = np.full((1, 161), floor)
    for hz, value in powers:
        power[0, round(hz / 0.05)] = value
    return Spectra(frequency_hz, power, np.zeros(1, np.intp), round(window_s * FPS), FPS)


def at(hz: float) -> Array:
    return np.array([hz])


def test_snr_is_the_ratio_of_de_haan_and_jeanne() -> None:
    spectra = lines((1.0, 80.0), (1.1, 10.0), (2.0, 10.0), (3.0, 7.0), (1.5, 3.0))
    assert spectrum.snr_db(spectra, at(1.0))[0] == pytest.approx(10.0)  # (80 + 10 + 10) / (7 + 3)


def test_snr_leaves_out_what_lies_outside_the_band() -> None:
    spectra = lines((1.0, 100.0), (3.0, 10.0), (0.3, 1e6), (4.5, 1e6))
    assert spectrum.snr_db(spectra, at(1.0))[0] == pytest.approx(10.0)


def test_snr_of_a_rate_above_two_hertz_has_no_second_harmonic() -> None:
    assert spectrum.snr_db(lines((2.5, 10.0), (5.0, 100.0), (1.0, 10.0)), at(2.5))[0] == pytest.approx(0.0)


def test_snr_of_a_shorter_window_takes_its_wider_line() -> None:
    spectra = lines((1.0, 50.0), (1.2, 50.0), (3.0, 10.0), window_s=5.0)
    assert spectra.snr_half_width_hz == pytest.approx(0.2)
    assert spectrum.snr_db(spectra, at(1.0))[0] == pytest.approx(10.0)


def test_snr_stays_finite() -> None:
    assert spectrum.snr_db(lines((1.0, 1.0)), at(1.0))[0] == 40
    assert spectrum.snr_db(lines(), at(1.0))[0] == -40


def test_support_takes_the_second_harmonic_as_far_as_it_belongs_to_the_fundamental() -> None:
    spectra = lines((1.0, 5.0), (2.0, 3.0), (1.2, 4.0), (2.4, 9.0), (3.0, 6.0))
    support = spectrum.harmonic_support(spectra)[0]
    of = {hz: support[round(hz / 0.05) - spectra.band.start] for hz in (1.0, 1.2, 2.0, 1.5, 3.0)}
    slope = spectra.noise_slope
    expected = {1.0: 5 + 3 * 2**slope, 1.2: 4 * 1.2**slope + 1.5 * 4 * 2.4**slope, 2.0: 3 * 2**slope, 1.5: 0.0}
    assert of == pytest.approx(expected | {3.0: 6 * 3**slope})


@pytest.mark.parametrize("power_of_second", [0.5, 1.0, 1.8])
def test_a_strong_second_harmonic_does_not_win(power_of_second: float) -> None:
    spectra = lines((0.8, 1.0), (1.6, power_of_second))
    assert spectrum.harmonic_support(spectra)[0].argmax() + spectra.band.start == round(0.8 / 0.05)


def test_noise_at_half_the_rate_does_not_halve_it() -> None:
    spectra = lines((1.0, 0.5), (2.0, 1.0))
    assert spectrum.harmonic_support(spectra)[0].argmax() + spectra.band.start == round(2.0 / 0.05)


def with_drift(*powers: tuple[float, float]) -> Spectra:
    """Spectra of lines on the foot of a drift, which has a power of 1 at the lower end of the band."""
    spectra = lines(*powers)
    spectra.power[0, 1:] += (0.7 / spectra.frequency_hz[1:]) ** 4
    return spectra


def test_the_foot_of_a_drift_is_no_line() -> None:
    spectra = with_drift((2.0, 0.1))
    support, plausible = spectrum.harmonic_support(spectra)[0], spectrum.plausibility(spectra)[0]
    assert plausible[round(0.7 / 0.05) - spectra.band.start] == pytest.approx(0.1 * 0.28, abs=0.001)
    assert support.argmax() == 0
    assert (support * plausible).argmax() + spectra.band.start == round(2.0 / 0.05)


def test_a_slow_line_on_the_foot_of_a_drift_counts_in_full() -> None:
    spectra = with_drift((0.85, 0.5))
    assert spectrum.plausibility(spectra)[0, round(0.85 / 0.05) - spectra.band.start] == 1


def test_plausible_rates_are_those_of_people_before_a_camera() -> None:
    spectra = spectrum.power_spectra(np.zeros(900), FPS)
    bpm = np.round(60 * spectra.frequency_hz[spectra.band]).astype(int).tolist()
    weight = dict(zip(bpm, spectrum.plausibility(spectra)[0].tolist(), strict=True))
    assert [weight[rate] for rate in (50, 60, 100, 160)] == [1, 1, 1, 1]
    assert weight[42] == pytest.approx(0.28, abs=0.01)
    assert weight[180] == pytest.approx(0.73, abs=0.01)
    assert weight[240] == pytest.approx(0.006, abs=0.001)


@pytest.mark.parametrize("bpm", [42.0, 46.0, 190.0, 230.0])
def test_a_clear_line_at_an_unusual_rate_is_found(bpm: float) -> None:
    wave = np.sin(2 * np.pi * bpm / 60 * times(20.0, FPS)) + 0.3 * coloured_noise(600, 0.0, seed=1)
    spectra = spectrum.power_spectra(wave, FPS)
    support = spectrum.harmonic_support(spectra) * spectrum.plausibility(spectra)
    path = spectrum.follow_rate(support, step_bpm=60 * float(spectra.frequency_hz[1]))
    assert 60 * spectrum.peak_hz(spectra, path) == pytest.approx(bpm, abs=1.0)


def test_prominence_of_a_flat_spectrum_is_none() -> None:
    spectra = lines(floor=1.0)
    spectra.power[0, 1:] /= spectra.frequency_hz[1:] ** 2
    spectra.power[0, 40] *= 1.2  # a peak, but no line
    assert spectrum.prominence_db(spectra, at(2.0))[0] == pytest.approx(0.0, abs=0.3)


def test_prominence_of_a_slope_is_the_lowest() -> None:
    spectra = lines()
    spectra.power[0] = 1 / (0.1 + spectra.frequency_hz) ** 4
    assert spectrum.prominence_db(spectra, at(0.7))[0] == -40


def test_prominence_grows_with_the_line() -> None:
    weak, strong = (spectrum.prominence_db(lines((1.5, p), floor=1.0), at(1.5))[0] for p in (3.0, 30.0))
    assert 0 < weak < strong < 40


@pytest.mark.parametrize("hz", [0.2, 8.0])
def test_band_pass_stops(hz: float) -> None:
    wave = np.sin(2 * np.pi * hz * times(60, FPS))
    assert spectrum.band_pass(wave, FPS)[300:-300].std() < 0.1 * wave.std()


@pytest.mark.parametrize("hz", [1.0, 2.0, 3.0])
def test_band_pass_keeps_the_band_without_delay(hz: float) -> None:
    wave = np.sin(2 * np.pi * hz * times(60, FPS))
    assert np.abs(spectrum.band_pass(wave, FPS) - wave)[300:-300].max() < 0.2


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_band_pass_takes_any_length(count: int) -> None:
    assert spectrum.band_pass(np.arange(count, dtype=float), FPS).shape == (count,)


@pytest.mark.parametrize(
    ("duration_s", "windows", "window_s"), [(5, 1, 5.0), (9.97, 1, 9.97), (10, 1, 10), (10.9, 1, 10), (60, 51, 10)]
)
def test_windows_are_ten_seconds_each_second(duration_s: float, windows: int, window_s: float) -> None:
    spectra = spectrum.power_spectra(coloured_noise(round(duration_s * FPS), 0, seed=1), FPS)
    assert spectra.power.shape[0] == windows
    assert spectra.window_s == pytest.approx(window_s, abs=0.01)
    assert np.array_equal(spectra.starts, np.arange(windows) * 30)


def test_a_constant_has_no_power() -> None:
    assert not spectrum.power_spectra(np.full(400, 0.1), FPS).power.any()


def test_a_parabola_has_no_power_in_the_band() -> None:
    spectra = spectrum.power_spectra(1 + times(10, FPS) ** 2, FPS)
    assert spectra.power[:, spectra.band].max() < 1e-12


def support_of(path: list[int], width: int = 60) -> Array:
    support = np.ones((len(path), width))
    support[np.arange(len(path)), path] = 10.0
    return support


def test_the_path_follows_a_changing_rate() -> None:
    path = [20 + i // 3 for i in range(40)]
    assert spectrum.follow_rate(support_of(path), 2.0).tolist() == path


def test_the_path_ignores_outliers() -> None:
    path = [20] * 30
    path[12] = path[13] = 50
    assert spectrum.follow_rate(support_of(path), 2.0).tolist() == [20] * 30


def test_the_path_is_the_best_of_all_paths() -> None:
    support = np.random.default_rng(3).random((4, 6)) + 0.1
    gain, bins = np.log(support), range(6)
    paths = [(a, b, c, d) for a in bins for b in bins for c in bins for d in bins]
    worth = [sum(gain[i, k] for i, k in enumerate(p)) - 0.2 * sum(abs(x - y) for x, y in pairwise(p)) for p in paths]
    assert tuple(spectrum.follow_rate(support, 2.0)) == paths[int(np.argmax(worth))]
