import numpy as np
import pytest
from scipy import ndimage

from service.pipeline.shift import shifts

FINE = 10  # fine pixels of the scene to one of a crop
SCENE = ndimage.gaussian_filter(np.random.default_rng(0).uniform(0, 1, (72 * FINE, 72 * FINE)), 1.2 * FINE)
SCENE = 0.2 + 0.6 * (SCENE - SCENE.min()) / np.ptp(SCENE)


def crop(right_px: float, down_px: float, size: int = 36) -> np.ndarray:
    """Return the brightness of a crop whose scene has moved by so many of its pixels."""
    moved = ndimage.shift(SCENE, (down_px * FINE, right_px * FINE), order=1, mode="nearest")
    inside = moved[FINE : (size + 1) * FINE, FINE : (size + 1) * FINE]
    return np.asarray(inside.reshape(size, FINE, size, FINE).mean((1, 3)), np.float32)


def log(crops: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.log(np.stack([pixels.ravel() for pixels in crops])))


@pytest.mark.parametrize("size", [36, 65])
@pytest.mark.parametrize(("right_px", "down_px"), [(0.1, 0.0), (0.0, 0.1), (-0.2, 0.1), (0.02, -0.3)])
def test_a_fraction_of_a_pixel_is_found(right_px: float, down_px: float, size: int) -> None:
    found = shifts(log([crop(0, 0, size), crop(right_px, down_px, size)]))
    assert found.shape == (1, 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0] * size, [right_px, down_px], rtol=0.25, atol=0.02)


def test_a_head_that_returns_is_where_it_was() -> None:
    away = [0.3 * np.sin(2 * np.pi * index / 30) for index in range(61)]
    found = np.cumsum(shifts(log([crop(x, 0.0) for x in away])), axis=0) * 36
    np.testing.assert_allclose(np.ptp(found[:, 0]), 0.6, rtol=0.2)
    assert np.abs(found[-1]).max() < 0.05


def test_light_is_no_motion() -> None:
    still = crop(0, 0)
    assert np.abs(shifts(log([gain * still for gain in (1.0, 1.02, 0.9, 1.3)]))).max() < 1e-5


def test_what_moves_at_the_edge_is_no_motion_of_the_face() -> None:
    before, after = crop(0, 0), crop(0, 0)
    after[:, :4] = crop(2, 0)[:, :4]
    assert np.abs(shifts(log([before, after]))).max() < 1e-6


@pytest.mark.parametrize("size", [6, 36])
def test_nothing_to_see_does_not_move(size: int) -> None:
    rng = np.random.default_rng(0)
    flat = np.full((3, size * size), -6.9, np.float32)
    flickering = flat + rng.normal(0, 1e-5, (3, size * size)).astype(np.float32)
    assert np.array_equal(shifts(flat), np.zeros((2, 2), np.float32))
    assert np.abs(shifts(flickering)).max() < 1e-4
    assert shifts(flat[:1]).shape == (0, 2)


@pytest.mark.parametrize("size", [36, 224])
def test_stripes_are_finite(size: int) -> None:
    at = np.arange(size)
    stripes = np.where((at[:, None] + at) % 6 < 3, 0.0, -6.9).astype(np.float32)
    found = shifts(np.stack([stripes.ravel(), np.roll(stripes, 1, axis=1).ravel(), stripes.ravel()]))
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 0.5
