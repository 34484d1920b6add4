import numpy as np
import pytest

from service.pipeline.line_bins import at_times, bins_around, energy_of, fourier
from service.pipeline.spectrum import power_spectra
from tests.service.pipeline.signals import as_pulse, coloured_noise, pulse_wave

FPS, BPM = 30.0, 72.0
WAVE = pulse_wave(BPM, 20.0, FPS)
SPECTRA = power_spectra(WAVE, FPS)
RATES_HZ = np.full(len(SPECTRA.power), BPM / 60)


def test_a_line_lies_within_and_neither_it_nor_its_harmonic_beside() -> None:
    bins = bins_around(SPECTRA, RATES_HZ)
    values = fourier(WAVE, SPECTRA, bins.near)
    assert energy_of(values[bins.line]) > 0.9 * energy_of(values)
    assert energy_of(values[bins.beside]) < 1e-3 * energy_of(values)


def test_noise_beside_is_what_it_would_be_at_the_rate() -> None:
    beside, within = [], []
    for seed in range(100):
        walk = coloured_noise(len(WAVE), 2, seed=seed)
        bins = bins_around(SPECTRA, RATES_HZ)
        values = fourier(walk, SPECTRA, bins.near)
        beside.append(bins.beside_power(values).mean())
        within.append((np.abs(values[bins.line]) ** 2).mean())
    assert np.mean(beside) == pytest.approx(np.mean(within), rel=0.25)


@pytest.mark.parametrize("windows", [1, 300])
def test_values_are_those_of_the_windows_one_after_the_other(windows: int) -> None:
    wave = pulse_wave(BPM, 9.0 + windows, FPS, variability=0.02)
    spectra = power_spectra(wave, FPS)
    near = np.ones((len(spectra.power), len(spectra.frequency_hz)), np.bool_)
    last = fourier(wave, spectra, near).reshape(near.shape)[-1]
    alone = fourier(wave[spectra.starts[-1] :], spectra.part(slice(0, 1)), near[:1])
    assert len(near) == windows
    assert last == pytest.approx(alone)


def test_waves_together_have_the_values_of_each_alone() -> None:
    waves = np.stack([coloured_noise(2 * len(WAVE), 2, seed=seed) for seed in range(16)])
    spectra = power_spectra(waves[0], FPS)
    near = bins_around(spectra, np.full(len(spectra.power), BPM / 60)).near
    assert len(near) > 16  # as many windows of sixteen waves are looked at at once
    assert fourier(waves, spectra, near) == pytest.approx(np.stack([fourier(wave, spectra, near) for wave in waves]))


def test_more_time_has_more_values_that_are_free_of_each_other() -> None:
    short, long = power_spectra(WAVE[:300], FPS), power_spectra(np.tile(WAVE, 3), FPS)
    one, six = (bins_around(of, np.full(len(of.power), BPM / 60)).per_value for of in (short, long))
    assert one == pytest.approx(6 * six)


def test_times_before_and_after_a_wave_have_its_ends() -> None:
    ramp = as_pulse(np.arange(30.0), FPS)
    assert at_times(ramp, np.array([-1.0, 0.0, 0.05, 5.0])) == pytest.approx([0, 0, 1.5, 29])
    assert at_times(as_pulse(np.empty(0), FPS), np.arange(3.0)).tolist() == [0, 0, 0]
