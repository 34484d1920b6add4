import numpy as np
import pytest

from training.synthesis.light import Lights, LightSettings, make_lights

TIMES_S = np.arange(600) / 30


def _lights(seed: int = 0, **settings: float) -> Lights:
    return make_lights(LightSettings(**settings), TIMES_S, np.random.default_rng(seed))  # type: ignore[arg-type]


def test_light_is_steady_by_default() -> None:
    lights = _lights()
    assert np.ptp(lights.gain) == 0
    assert np.all(lights.screen == 1)


@pytest.mark.parametrize("name", ["drift", "screen"])
def test_changes_have_the_size_that_was_asked_for(name: str) -> None:
    small, large = (_lights(0, **{name: size}) for size in (0.005, 0.02))
    spread = [np.log(lights.gain * lights.screen).std(0).mean() for lights in (small, large)]
    assert 0.002 < spread[0] < 0.02
    assert spread[1] == pytest.approx(4 * spread[0], rel=0.05)


def test_steps_change_the_light_for_good() -> None:
    gain = _lights(steps=1, step=0.1).gain[:, 1]
    changes = np.abs(np.diff(np.log(gain)))
    assert np.sort(changes)[-10:].sum() > 0.95 * changes.sum()


def test_white_balance_moves_the_colours_apart() -> None:
    gain = _lights(balance_drift=0.01).gain
    assert (gain[:, 0] / gain[:, 2]).std() > 0.005


def test_auto_exposure_undoes_slow_changes() -> None:
    free, held = (_lights(drift=0.05, exposure_gain=gain, exposure_lag_s=0.3).gain[100:, 1] for gain in (0.0, 1.0))
    assert np.log(held).std() < 0.6 * np.log(free).std()


def test_flicker_has_its_rate() -> None:
    phase = _lights(flicker=0.01, flicker_hz=4.0).flicker
    assert (phase[-1] - phase[0]) / (2 * np.pi) / TIMES_S[-1] == pytest.approx(4.0)


def test_directions_are_unit_vectors() -> None:
    direction = _lights(sway=0.2, azimuth=0.8).direction
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    assert direction[:, 0].std() > 0.05
