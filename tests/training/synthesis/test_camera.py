import numpy as np
import pytest

from training.synthesis.camera import CameraSettings, Sensor, frame_times


def test_even_frames_by_default() -> None:
    times_s = frame_times(CameraSettings(fps=25), 4.0, np.random.default_rng(0))
    np.testing.assert_allclose(times_s, np.arange(100) / 25)


def test_jitter_and_dropped_frames() -> None:
    times_s = frame_times(CameraSettings(fps=30, jitter=0.2, dropped=0.1), 20.0, np.random.default_rng(0))
    steps = np.diff(times_s)
    assert times_s[0] == 0
    assert steps.min() > 0
    assert 0.85 < len(times_s) / 600 < 0.95
    assert steps.max() > 1.5 / 30


def _grey(settings: CameraSettings, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    sensor = Sensor(settings, np.random.default_rng(0))
    shape = settings.height, settings.width, 3
    return np.stack([sensor.expose(np.full(shape, 100.25, np.float32)) for _ in range(count)]).astype(float)


@pytest.mark.parametrize("size", [(160, 120), (1280, 720)])
def test_noise_has_its_size_and_keeps_fractions_of_grey_levels(size: tuple[int, int]) -> None:
    seen = _grey(CameraSettings(width=size[0], height=size[1], noise=2.0, grain=0.5), 4)
    assert seen.std() == pytest.approx(2.0, rel=0.06)
    assert seen.mean() == pytest.approx(100.25, abs=0.05)


def test_noise_is_fresh_in_every_frame() -> None:
    seen = _grey(CameraSettings(width=160, height=120, noise=3.0), 2) - 100.25
    assert abs(np.corrcoef(seen[0].ravel(), seen[1].ravel())[0, 1]) < 0.05


def test_smoothing_over_time_lowers_the_noise() -> None:
    plain, smooth = (_grey(CameraSettings(width=160, height=120, noise=3.0, smoothing=s), 8)[-1] for s in (0.0, 0.6))
    assert smooth.std() < 0.7 * plain.std()


def test_grain_joins_neighbours() -> None:
    def likeness(grain: float) -> float:
        seen = _grey(CameraSettings(width=160, height=120, noise=4.0, grain=grain), 1)[0, :, :, 1]
        return float(np.corrcoef(seen[:, 1:].ravel(), seen[:, :-1].ravel())[0, 1])

    assert likeness(0.0) < 0.05
    assert likeness(1.0) > 0.5


def test_noise_is_stronger_in_the_channels_that_are_told() -> None:
    seen = _grey(CameraSettings(width=160, height=120, noise=3.0, noise_colour=(1.0, 1.0, 2.0)), 2)
    red, green, blue = seen.std(axis=(0, 1, 2))
    assert red == pytest.approx(green, rel=0.05)
    assert blue == pytest.approx(2 * green, rel=0.05)


def test_stains_are_coarse_wander_and_are_mostly_blue() -> None:
    settings = CameraSettings(width=160, height=120, noise=0.01, stain=4.0, stain_hz=0.5)
    seen = _grey(settings, 60) - 100.25
    red, green, blue = seen.std(axis=(0, 1, 2))
    assert green < red < blue < 4.5
    assert np.corrcoef(seen[0, :, 1:, 2].ravel(), seen[0, :, :-1, 2].ravel())[0, 1] > 0.9
    assert np.corrcoef(seen[0, :, :, 2].ravel(), seen[1, :, :, 2].ravel())[0, 1] > 0.8
    assert abs(np.corrcoef(seen[0, :, :, 2].ravel(), seen[-1, :, :, 2].ravel())[0, 1]) < 0.5


def test_saturation_moves_colours_from_grey_and_keeps_their_luma() -> None:
    sensor = Sensor(CameraSettings(width=64, height=64, noise=0.01, saturation=1.5), np.random.default_rng(0))
    skin = np.array([140.0, 100.0, 80.0])
    seen = sensor.expose(np.broadcast_to(skin, (64, 64, 3)).astype(np.float32).copy()).mean((0, 1))
    luma = np.array([0.299, 0.587, 0.114])
    assert seen @ luma == pytest.approx(skin @ luma, abs=0.7)
    np.testing.assert_allclose(seen - seen @ luma, 1.5 * (skin - skin @ luma), atol=1)
