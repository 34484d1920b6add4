import numpy as np
import pytest

from service.pipeline.classical import Method
from service.pipeline.pulse import heart_rate
from service.pipeline.subspace import lgi, pca
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, pulse_wave

FPS = 30.0
SKIN = np.array([0.7, 0.5, 0.4])
BLOOD = np.array([0.33, 0.77, 0.53])


def skin(wave: Array, light: Array | float = 0.0) -> Array:
    """Mean colour (T, 3) of skin with a pulse of 1 %, lit by 1 + light."""
    lit = SKIN * (1 - 0.01 * wave[:, None] * BLOOD) * (1 + np.broadcast_to(light, wave.shape))[:, None]
    return np.asarray(lit + 1e-4 * np.random.default_rng(0).standard_normal(lit.shape))


@pytest.mark.parametrize("bpm", [50, 72, 150])
def test_pca_leaves_light_without_a_rhythm_to_another_component(bpm: float) -> None:
    traces = skin(pulse_wave(bpm, 20, FPS), 0.02 * coloured_noise(600, 1, seed=2))
    assert abs(heart_rate(as_pulse(pca(traces, FPS), FPS)).bpm - bpm) < 0.5


@pytest.mark.parametrize("flat", [0, 1, 2])
def test_pca_leaves_a_saturated_colour_out(flat: int) -> None:
    traces = skin(pulse_wave(66, 20, FPS), 0.02 * coloured_noise(600, 1, seed=4))
    traces[:, flat] = 1.0
    assert abs(heart_rate(as_pulse(pca(traces, FPS), FPS)).bpm - 66) < 0.5


def test_pca_gives_unit_variance() -> None:
    assert pca(skin(pulse_wave(72, 20, FPS)), FPS).std() == pytest.approx(1)


def test_lgi_is_green_off_the_skins_colour() -> None:
    traces = skin(pulse_wave(72, 10, FPS))
    u = np.linalg.svd(traces.T)[0][:, :1]  # the paper's: colours (3, T)
    published = ((np.eye(3) - u @ u.T) @ traces.T)[1]
    expected = -(published - published.mean()) / traces[:, 1].mean()
    assert lgi(traces, FPS) == pytest.approx(expected, abs=1e-9)


def test_lgi_sees_nothing_of_light() -> None:
    light = 0.05 * np.sin(np.arange(300) / 3)[:, None]
    assert np.abs(lgi(SKIN * (1 + light), FPS)).max() < 1e-9


@pytest.mark.parametrize("method", [lgi, pca])
def test_a_long_recording_is_joined_without_a_seam(method: Method) -> None:
    wave = pulse_wave(66, 100, FPS)
    result = heart_rate(as_pulse(method(skin(wave), FPS), FPS))
    assert abs(result.bpm - 66) < 0.5
    assert np.corrcoef(result.bvp, wave)[0, 1] > 0.9
