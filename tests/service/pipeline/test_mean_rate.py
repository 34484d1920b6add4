import numpy as np
import pytest

from service.pipeline import spectrum
from service.pipeline.mean_rate import recording_mean_hz, step_rates_hz, window_means_hz
from tests.service.pipeline.signals import Array, coloured_noise, times

FPS = 30.0


def wave_of(bpm: Array, fps: float = FPS, *, second: float = 0.3) -> tuple[Array, Array]:
    """Return a pulse wave (T,) of these instantaneous rates (T,), and its turns (T,)."""
    turns = np.cumsum(bpm) / 60 / fps
    return np.asarray(np.sin(2 * np.pi * turns) + second * np.sin(4 * np.pi * turns + 1)), turns


def breathing_rates(duration_s: float = 40.0, swing_bpm: float = 6.0) -> Array:
    t = times(duration_s, FPS)
    return np.asarray(70 + swing_bpm * np.sin(2 * np.pi * 0.11 * t) + 3 * np.sin(2 * np.pi * 0.04 * t))


def true_bpm(turns: Array, spectra: spectrum.Spectra) -> Array:
    last = spectra.starts + spectra.length - 1
    return np.asarray(60 * (turns[last] - turns[spectra.starts]) / ((spectra.length - 1) / spectra.fps))


def peaks_hz(spectra: spectrum.Spectra) -> Array:
    band = spectra.band
    return spectrum.peak_hz(spectra, spectra.power[:, band].argmax(axis=1))


def mean_rate_hz(wave: Array, spectra: spectrum.Spectra, rate_hz: Array) -> Array:
    return window_means_hz(step_rates_hz(wave, spectra, rate_hz))


@pytest.mark.parametrize("fps", [15.0, 20.0, 30.0])
def test_a_steady_rate_stays(fps: float) -> None:
    for bpm in (48.0, 60.7, 77.7, 100.0, 131.0, 180.0, 222.0):
        for duration_s in (4.0, 7.3, 10.0, 25.0):
            wave, _ = wave_of(np.full(round(duration_s * fps), bpm), fps)
            spectra = spectrum.power_spectra(wave, fps)
            found = 60 * mean_rate_hz(wave, spectra, np.full(len(spectra.starts), bpm / 60))
            np.testing.assert_allclose(found, bpm, atol=0.2 if duration_s > 7 else 0.3)


def test_a_rate_that_swings_with_the_breath_is_averaged_over_the_whole_window() -> None:
    wave, turns = wave_of(breathing_rates())
    spectra = spectrum.power_spectra(wave, FPS)
    peaks = peaks_hz(spectra)
    assert np.abs(60 * peaks - true_bpm(turns, spectra)).max() > 2
    np.testing.assert_allclose(60 * mean_rate_hz(wave, spectra, peaks), true_bpm(turns, spectra), atol=0.7)


@pytest.mark.parametrize("slope", [0.0, 1.5])
def test_in_noise_it_is_nearer_the_truth_than_the_peak(slope: float) -> None:
    by_mean, by_peak = [], []
    for seed in range(20):
        wave, turns = wave_of(breathing_rates(swing_bpm=3))
        noisy = wave + 0.5 * coloured_noise(len(wave), slope, seed=seed)
        spectra = spectrum.power_spectra(noisy, FPS, slope)
        truth = true_bpm(turns, spectra)
        near = truth / 60 + 0.02
        bins = np.round(near / spectra.frequency_hz[1]).astype(int) - spectra.band.start
        peaks = spectrum.peak_hz(spectra, bins)
        by_peak.append(np.abs(60 * peaks - truth).mean())
        by_mean.append(np.abs(60 * mean_rate_hz(noisy, spectra, peaks) - truth).mean())
    assert np.mean(by_mean) < 0.6 * np.mean(by_peak)


def test_the_second_harmonic_tells_where_something_beats_beside_the_fundamental() -> None:
    t = times(10, FPS)
    rates = 70 + 4 * np.cos(np.pi * t / 10) ** 2
    beside = 0.8 * np.sin(2 * np.pi * 1.05 * t)

    def error(second: float) -> float:
        wave, turns = wave_of(rates, second=second)
        spectra = spectrum.power_spectra(wave + beside, FPS)
        truth = true_bpm(turns, spectra)
        return float(np.abs(60 * mean_rate_hz(wave + beside, spectra, truth / 60 + 0.02) - truth).max())

    assert error(second=0.8) < 0.7 * error(second=0.0)


def test_slow_drifts_move_nothing() -> None:
    wave, _ = wave_of(np.full(600, 66.0))
    t = times(20, FPS)
    drifting = wave + 30 * t + 20 * np.sin(2 * np.pi * 0.03 * t)
    spectra = spectrum.power_spectra(drifting, FPS)
    rates_hz = np.full(len(spectra.starts), 66 / 60)
    np.testing.assert_allclose(60 * mean_rate_hz(drifting, spectra, rates_hz), 66, atol=0.3)


def test_what_neighbouring_windows_follow_does_not_matter() -> None:
    wave, _ = wave_of(breathing_rates())
    spectra = spectrum.power_spectra(wave, FPS)
    peaks = peaks_hz(spectra)
    lost = np.where(np.arange(len(peaks)) % 2 == 0, peaks, 3.0)
    np.testing.assert_array_equal(mean_rate_hz(wave, spectra, lost)[::2], mean_rate_hz(wave, spectra, peaks)[::2])


def test_a_long_recordings_windows_are_those_of_its_parts() -> None:
    wave, _ = wave_of(np.tile(breathing_rates(), 10))
    spectra = spectrum.power_spectra(wave, FPS)
    assert len(spectra.starts) > 300
    whole = mean_rate_hz(wave, spectra, peaks_hz(spectra))
    cut = wave[round(250 * FPS) : round(300 * FPS)]
    part = spectrum.power_spectra(cut, FPS)
    np.testing.assert_allclose(mean_rate_hz(cut, part, peaks_hz(part))[5:-5], whole[255 : 255 + 31], atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_what_stands_still_to_rounding_keeps_its_rate(value: float) -> None:
    wave = np.full(450, value) + 1e-12 * value * coloured_noise(450, 0, seed=0)
    spectra = spectrum.power_spectra(wave, FPS)
    assert not spectra.power.any()
    rates_hz = np.full(len(spectra.starts), 1.3)
    np.testing.assert_allclose(mean_rate_hz(wave, spectra, rates_hz), rates_hz, rtol=1e-12)


@pytest.mark.parametrize(("line_hz", "rate_hz", "moved_hz"), [(1.2, 1.5, 1.3), (1.8, 1.5, 1.7), (0.6, 0.75, 0.7)])
def test_none_moves_by_more_than_twelve_a_minute_nor_out_of_the_band(
    line_hz: float, rate_hz: float, moved_hz: float
) -> None:
    wave, _ = wave_of(np.full(900, 60 * line_hz), second=0)
    spectra = spectrum.power_spectra(wave, FPS)
    np.testing.assert_allclose(mean_rate_hz(wave, spectra, np.full(21, rate_hz)), moved_hz, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_noise_stays_in_the_band(seed: int) -> None:
    wave = coloured_noise(1800, 1.5, seed=seed)
    spectra = spectrum.power_spectra(wave, FPS)
    for rate_hz in (0.7, 1.5, 4.0):
        found = mean_rate_hz(wave, spectra, np.full(len(spectra.starts), rate_hz))
        assert np.all((found >= 0.7) & (found <= 4.0) & (np.abs(found - rate_hz) <= 0.2 + 1e-9))


@pytest.mark.parametrize(
    ("bpm", "fps"), [(240.0, 16.0), (240.0, 8.1), (200.0, 10.0), (75.0, 5.0), (112.0, 7.5), (200.0, 12.0)]
)
def test_a_second_harmonic_that_the_frames_are_too_few_for_counts_nothing(bpm: float, fps: float) -> None:
    t = times(20, fps)
    wave = np.sin(2 * np.pi * bpm / 60 * t) + 0.05 * coloured_noise(len(t), 0, seed=0)
    spectra = spectrum.power_spectra(wave, fps)
    for rate_hz in (bpm / 60, bpm / 60 - 0.03):
        found = 60 * mean_rate_hz(wave, spectra, np.full(len(spectra.starts), rate_hz))
        np.testing.assert_allclose(found, min(bpm, 240), atol=1)


@pytest.mark.parametrize("frozen_s", [6, 12])
def test_where_the_wave_stands_still_the_line_stays(frozen_s: int) -> None:
    wave, _ = wave_of(np.full(900, 72.0))
    first, last = round(12 * FPS), round((12 + frozen_s) * FPS)
    wave[first:last] = wave[first - 1]
    spectra = spectrum.power_spectra(wave, FPS)
    rates_hz = np.full(len(spectra.starts), 1.2)
    np.testing.assert_allclose(60 * mean_rate_hz(wave, spectra, rates_hz), 72, atol=2)


def test_the_scale_of_the_wave_does_not_matter() -> None:
    wave, _ = wave_of(breathing_rates())
    spectra, tiny = spectrum.power_spectra(wave, FPS), spectrum.power_spectra(1e-6 * wave, FPS)
    rates_hz = peaks_hz(spectra)
    np.testing.assert_allclose(mean_rate_hz(1e-6 * wave, tiny, rates_hz), mean_rate_hz(wave, spectra, rates_hz))


def mean_bpm(wave: Array, rates_bpm: Array, *, untrusted: slice = slice(0)) -> float:
    """Return the recording's mean where each window's line is known, and some windows are not trusted."""
    spectra = spectrum.power_spectra(wave, FPS)
    middles = spectra.starts + spectra.length // 2
    trusted = np.ones(len(middles), bool)
    trusted[untrusted] = False
    return 60 * recording_mean_hz(step_rates_hz(wave, spectra, rates_bpm[middles] / 60), spectra, trusted)


@pytest.mark.parametrize("duration_s", [10.0, 12.0, 17.5, 30.0, 61.0])
def test_the_recordings_mean_is_that_of_its_beats_not_of_its_windows(duration_s: float) -> None:
    t = times(duration_s, FPS)
    rates = 70 + 40 * np.exp(-t / 12)
    wave, turns = wave_of(rates)
    truth = 60 * (turns[-1] - turns[0]) / t[-1]
    assert mean_bpm(wave, rates) == pytest.approx(truth, abs=0.9)
    if duration_s >= 30:
        spectra = spectrum.power_spectra(wave, FPS)
        windows = 60 * mean_rate_hz(wave, spectra, rates[spectra.starts + spectra.length // 2] / 60)
        assert abs(windows.mean() - truth) > 1.3


def test_what_no_trusted_window_says_lies_on_a_line_between_what_others_say() -> None:
    rates = np.interp(times(60, FPS), [0, 20, 40, 60], [60, 60, 90, 90])
    wave, _ = wave_of(rates)
    wave[round(20 * FPS) : round(40 * FPS)] = 0
    wrong = np.where((rates > 60) & (rates < 90), 170.0, rates)
    assert mean_bpm(wave, wrong, untrusted=slice(11, 40)) == pytest.approx(75, abs=0.3)


def test_beyond_the_trusted_windows_it_goes_on_at_the_mean_of_these() -> None:
    rates = np.repeat([60.0, 90.0, 150.0], [600, 600, 600])
    wave, _ = wave_of(rates)
    lines = np.repeat([60.0, 90.0], [600, 1200])
    assert mean_bpm(wave, lines, untrusted=slice(31, None)) == pytest.approx(75, abs=0.7)


def test_the_ends_count_by_what_the_phase_does_there() -> None:
    """Within its first and its last seconds no window lies but one; its mean is not the rate there."""
    for duration_s in (11.0, 13.0, 16.0):
        t = times(duration_s, FPS)
        rates = 75 - 6 * np.cos(2 * np.pi * t / duration_s)
        wave, turns = wave_of(rates)
        truth = 60 * (turns[-1] - turns[0]) / t[-1]
        spectra = spectrum.power_spectra(wave, FPS)
        lines = rates[spectra.starts + spectra.length // 2] / 60
        means, middles = 60 * mean_rate_hz(wave, spectra, lines), spectra.starts + spectra.length / 2
        by_means = np.interp(np.arange(len(wave)), middles, means).mean()
        assert abs(by_means - truth) > 0.5
        assert mean_bpm(wave, rates) == pytest.approx(truth, abs=0.35)
