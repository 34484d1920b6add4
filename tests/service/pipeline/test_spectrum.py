from collections.abc import Callable

import numpy as np
import pytest

from service.pipeline import spectrum
from tests.service.pipeline.signals import Array, coloured_noise, lines, times

FPS = 30.0


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


def test_near_has_both_its_ends() -> None:
    spectra = lines()
    near_hz = spectra.frequency_hz[spectra.band][spectra.near(at(1.0), 0.1)[0]]
    assert near_hz == pytest.approx([0.9, 0.95, 1.0, 1.05, 1.1])


def test_snr_stays_finite() -> None:
    assert spectrum.snr_db(lines((1.0, 1.0)), at(1.0))[0] == 40
    assert spectrum.snr_db(lines(), at(1.0))[0] == -40


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
    assert not spectrum.hann_spectra(np.full(400, 0.1), FPS).power.any()


def test_the_upper_end_of_the_band_may_be_that_of_the_spectrum() -> None:
    spectra = spectrum.power_spectra(np.sin(2 * np.pi * 3.9 * times(10, 8.0)), 8.0)
    for figure in (spectrum.prominence_db, spectrum.snr_db):
        assert np.isfinite(figure(spectra, at(4.0))).all()


def test_a_parabola_has_no_power_in_the_band() -> None:
    spectra = spectrum.power_spectra(1 + times(10, FPS) ** 2, FPS)
    assert spectra.power[:, spectra.band].max() < 1e-12


def test_noise_beside_a_line_is_less_than_hanns_window_lets_in() -> None:
    noise = coloured_noise(round(600 * FPS), 0, seed=2)
    tone = np.sin(2 * np.pi * 1.5 * times(10, FPS))

    def clear(spectra_of: Callable[[Array, float], spectrum.Spectra]) -> float:
        return float(spectra_of(tone, FPS).power.max() / spectra_of(noise, FPS).power[:, 40:50].mean())

    assert clear(spectrum.power_spectra) / clear(spectrum.hann_spectra) == pytest.approx(1.50 / 1.23, rel=0.05)


@pytest.mark.parametrize("hz", [0.08, 0.13, 0.21])
def test_a_drift_hardly_leaks_into_the_band(hz: float) -> None:
    drift = np.sin(2 * np.pi * hz * times(10, FPS) + 1)
    pulse = np.sin(2 * np.pi * 1.2 * times(10, FPS))
    leaked, line = (spectrum.power_spectra(wave, FPS).power[0, 30:120].max() for wave in (drift, pulse))
    assert 10 * np.log10(leaked / line) < -60  # through half a cosine of the wave itself -47 to -52


def test_both_spectra_have_the_same_scale() -> None:
    tone = np.sin(2 * np.pi * 1.5 * times(10, FPS))
    own, hann = (spectra_of(tone, FPS).power.max() for spectra_of in (spectrum.power_spectra, spectrum.hann_spectra))
    assert own / hann == pytest.approx((2 / np.pi / 0.5) ** 2, rel=0.03)  # the tapers' means


@pytest.mark.parametrize("hz", [0.8, 1.23, 2.07, 3.5])
def test_the_peak_of_a_tone_is_found_between_the_bins(hz: float) -> None:
    spectra = spectrum.power_spectra(np.sin(2 * np.pi * hz * times(10, FPS)), FPS)
    bins = spectra.power[:, spectra.band].argmax(axis=1)
    assert 60 * spectrum.peak_hz(spectra, bins)[0] == pytest.approx(60 * hz, abs=0.05)
