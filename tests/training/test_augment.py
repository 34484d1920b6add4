from dataclasses import replace

import numpy as np
import pytest

from tests.training.noise_clip import one
from training.augment import augment, flicker, mixed, stained, stretch, warped
from training.config import NO_AUGMENT, AugmentConfig

T = np.arange(160) / 30


def test_no_augmentation_changes_nothing() -> None:
    clip = one()
    same = augment(clip, NO_AUGMENT, np.random.default_rng(0))
    assert np.array_equal(same.rgb, clip.rgb)


def test_a_flip_mirrors_left_and_right() -> None:
    clip = one()
    flipped = augment(clip, replace(NO_AUGMENT, flip=1), np.random.default_rng(0))
    assert np.array_equal(flipped.rgb, clip.rgb[..., ::-1])


def test_gamma_and_noise_stay_in_range() -> None:
    changed = augment(one(), replace(NO_AUGMENT, gamma=1, noise=1, noise_max=0.5), np.random.default_rng(0))
    assert 0 <= changed.rgb.min() < changed.rgb.max() <= 1
    assert changed.rgb.dtype == np.float32


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_stretching_changes_the_rate(speed: float) -> None:
    clip = stretch(one(bpm=90), speed)
    expected = np.sin(2 * np.pi * 1.5 * speed * T)
    n = int(160 / speed) if speed > 1 else 160
    assert clip.meta["bpm"] == pytest.approx(90 * speed)
    assert np.abs(clip.ppg[: n - 2] - expected[: n - 2]).max() < 0.05


def test_what_is_missing_at_the_end_is_not_comparable() -> None:
    clip = stretch(one(), 1.25)
    assert clip.comparable[:128].all()
    assert not clip.comparable[130:].any()


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_stretching_keeps_breaks(speed: float) -> None:
    clip = one()
    clip.comparable[50] = False
    broken = np.flatnonzero(~stretch(clip, speed).comparable[:120])
    assert len(broken) >= 1
    assert np.abs(broken * speed - 50).max() <= 1.3


def test_moving_by_whole_cells_repeats_the_edge() -> None:
    rgb = one(frames=2).rgb
    moved = warped(rgb, 1, -1, 1, 0)
    np.testing.assert_allclose(moved[:, :, 1:, :-1], rgb[:, :, :-1, 1:], atol=1e-6)
    np.testing.assert_allclose(moved[:, :, 0, :-1], rgb[:, :, 0, 1:], atol=1e-6)


def test_a_quarter_turn_is_one() -> None:
    rgb = one(frames=2).rgb
    np.testing.assert_allclose(warped(rgb, 0, 0, 1, np.pi / 2), np.rot90(rgb, -1, axes=(2, 3)), atol=1e-6)


def test_twice_the_scale_shows_the_middle() -> None:
    rows = np.broadcast_to(np.linspace(0, 1, 9, dtype=np.float32)[:, None], (1, 3, 9, 9))
    np.testing.assert_allclose(warped(rows, 0, 0, 2, 0)[0, 0, :, 4], np.linspace(0.25, 0.75, 9), atol=1e-6)


def test_mixing_leaves_grey_and_bounds_what_a_channel_gets() -> None:
    grey = np.full((2, 3, 4, 4), 0.3, np.float32)
    np.testing.assert_allclose(mixed(grey, (-0.3, 0.1), np.random.default_rng(0)), grey, atol=1e-6)
    red = grey * np.array([1, 0, 0], np.float32)[:, None, None]
    got = mixed(red, (0.0, 0.1), np.random.default_rng(0))
    assert got.dtype == np.float32
    assert (got[:, 0] >= 0.8 * 0.3 - 1e-6).all()
    assert ((got[:, 1:] > 0) & (got[:, 1:] <= 0.03)).all()


def test_a_colour_matrix_takes_the_pulse_out_of_red() -> None:
    skin, pulse = np.array([0.6, 0.45, 0.38]), np.array([0.33, 0.77, 0.53])
    wave = 1 + 0.01 * np.sin(2 * np.pi * 1.5 * T)[:, None] * pulse
    rgb = np.broadcast_to((skin * wave)[:, :, None, None], (160, 3, 4, 4)).astype(np.float32)
    mean = mixed(rgb, (-0.3, -0.29), np.random.default_rng(0)).mean((2, 3))
    red, green, _ = mean.std(0) / mean.mean(0)
    assert red < 0.25 * green


@pytest.mark.parametrize("seed", range(3))
def test_stains_are_coarse_and_mostly_blue(seed: int) -> None:
    grey = np.full((600, 3, 36, 36), 0.5, np.float32)
    noise = stained(grey, 30.0, 0.01, np.random.default_rng(seed)) - grey
    red, green, blue = noise.std(axis=(0, 2, 3))
    assert 0.01 / 30 * 0.5 < blue < 0.01
    assert red == pytest.approx(0.6 * blue, rel=0.2)
    assert green == pytest.approx(0.15 * blue, rel=0.2)
    assert np.corrcoef(noise[:, 2, 17, 17], noise[:, 2, 17, 18])[0, 1] > 0.9
    assert abs(np.corrcoef(noise[:, 2, 2, 2], noise[:, 2, 33, 33])[0, 1]) < 0.5


@pytest.mark.parametrize("seed", range(5))
def test_flicker_is_small_and_nearly_alike_in_all_channels(seed: int) -> None:
    gain = flicker(320, 30.0, 0.01, np.random.default_rng(seed))
    assert gain.shape == (320, 3)
    assert 0.01 / 40 < gain.std() < 0.01 * 1.1
    assert np.min(np.corrcoef(gain.T)) > 0.8


def test_flicker_dims_all_of_a_frame() -> None:
    clip = one()
    changed = augment(clip, replace(NO_AUGMENT, flicker=1), np.random.default_rng(0))
    gain = changed.rgb / clip.rgb
    assert gain.std(axis=(2, 3)).max() < 1e-3 < gain[:, 0, 0, 0].max() - gain[:, 0, 0, 0].min()


@pytest.mark.parametrize(("bpm", "expected"), [(190, 200), (45, 45 * 1.4)])
def test_no_stretch_takes_the_pulse_out_of_the_band(bpm: float, expected: float) -> None:
    config = replace(NO_AUGMENT, stretch=1, stretch_range=(1.4, 1.4001))
    changed = augment(one(bpm=bpm), config, np.random.default_rng(0))
    assert changed.meta["bpm"] == pytest.approx(expected, rel=1e-3)


def test_all_of_it_leaves_a_clip_of_the_same_form() -> None:
    everything = AugmentConfig(flip=1, shift=1, gamma=1, mix=1, stain=1, flicker=1, noise=1, stretch=1)
    clip, changed = one(), augment(one(), everything, np.random.default_rng(3))
    assert changed.rgb.shape == clip.rgb.shape
    assert changed.rgb.dtype == changed.ppg.dtype == np.float32
    assert 0 <= changed.rgb.min() < changed.rgb.max() <= 1
    assert changed.rgb.flags.c_contiguous
