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
