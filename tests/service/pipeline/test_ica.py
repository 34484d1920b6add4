import numpy as np
import pytest

from service.pipeline import ica
from service.pipeline.pulse import heart_rate
from tests.service.pipeline.signals import as_pulse, coloured_noise, pulse_wave, times

FPS = 30.0


def test_fast_ica_separates() -> None:
    t = times(30, FPS)
    rng = np.random.default_rng(1)
    sources = np.stack([np.sin(7 * t), rng.uniform(-1, 1, len(t)), rng.laplace(size=len(t))], axis=1)
    sources = (sources - sources.mean(axis=0)) / sources.std(axis=0)
    found = ica._fast_ica(sources @ rng.standard_normal((3, 3)))
    match = np.abs(found.T @ sources / len(t))
    assert sorted(match.argmax(axis=1)) == [0, 1, 2]
    assert match.max(axis=1).min() > 0.98


@pytest.mark.parametrize(("hz", "low", "high"), [(0.1, 0.0, 0.01), (0.5, 0.45, 0.55), (1.5, 0.97, 1.0)])
def test_the_detrending_has_its_half_at_half_a_hertz(hz: float, low: float, high: float) -> None:
    wave = np.sin(2 * np.pi * hz * times(60, FPS))[:, None]
    assert low <= ica.smoothness_priors(wave, FPS)[300:-300].std() / wave.std() <= high


@pytest.mark.parametrize("flat", [0, 1, 2])
def test_a_saturated_colour_is_left_out(flat: int) -> None:
    wave, light = pulse_wave(66, 20, FPS), 0.02 * coloured_noise(600, 1, seed=4)
    traces = 0.5 * (1 - 0.01 * wave[:, None] * [0.33, 0.77, 0.53]) * (1 + light)[:, None]
    traces[:, flat] = 1.0
    assert abs(heart_rate(as_pulse(ica.ica(traces, FPS), FPS)).bpm - 66) < 0.5


def test_a_long_recording_is_joined_without_a_seam() -> None:
    wave = pulse_wave(66, 100, FPS)
    traces = 0.5 * (1 - 0.01 * wave[:, None] * [0.33, 0.77, 0.53])
    traces += 1e-4 * np.random.default_rng(1).standard_normal(traces.shape)
    result = heart_rate(as_pulse(ica.ica(traces, FPS), FPS))
    assert all(window.passed for window in result.windows)
    assert np.corrcoef(result.bvp, wave)[0, 1] > 0.95


def test_the_same_traces_give_the_same_wave() -> None:
    traces = 0.5 + 0.01 * np.random.default_rng(1).standard_normal((400, 3))
    assert np.array_equal(ica.ica(traces, FPS), ica.ica(traces, FPS))
