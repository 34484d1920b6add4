from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from service.pipeline.types import InputSpec
from tests.training.moving_colours import write_clips
from training.batches import TrainingBatches, augment, collate, plain_batches, pulse_change, stretch
from training.clips import ClipFolder, ClipsInvalid, TrainingClip
from training.config import AugmentConfig

T = np.arange(160) / 30
NOTHING = AugmentConfig(flip=0, gamma=0, noise=0, stretch=0)


def one(frames: int = 160, bpm: float = 90.0) -> TrainingClip:
    rng = np.random.default_rng(0)
    ppg = np.sin(2 * np.pi * bpm / 60 * np.arange(frames) / 30).astype(np.float32)
    rgb = rng.uniform(0.2, 0.8, (frames, 3, 4, 4)).astype(np.float32)
    return TrainingClip(rgb, ppg, np.ones(frames, np.bool_), {"bpm": bpm, "person": "p", "fps": 30.0})


@pytest.mark.parametrize("lag", [1, 3])
def test_the_target_is_the_change_of_the_wave(lag: int) -> None:
    change = pulse_change(np.sin(2 * np.pi * 1.5 * T).astype(np.float32), 30.0, lag)
    expected = np.cos(2 * np.pi * 1.5 * (T[:-lag] + lag / 60))
    assert change.shape == (160 - lag,)
    assert change.std() == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(change[10:-10], expected[10:-10])[0, 1] > 0.99


def test_drift_is_no_target() -> None:
    drifting = np.sin(2 * np.pi * 1.5 * T) + 5 * np.sin(2 * np.pi * 0.1 * T)
    clean = pulse_change(np.sin(2 * np.pi * 1.5 * T).astype(np.float32), 30.0, 1)
    assert np.corrcoef(pulse_change(drifting.astype(np.float32), 30.0, 1)[15:-15], clean[15:-15])[0, 1] > 0.97


def test_a_clip_without_pulse_has_the_target_zero() -> None:
    assert not pulse_change(np.full(160, 0.3, np.float32), 30.0, 1).any()


@pytest.mark.parametrize(("lag", "expected"), [(1, [0, 1, 0, 1, 1]), (3, [0, 0, 0])])
def test_a_sample_across_a_break_is_not_valid(lag: int, expected: list[int]) -> None:
    broken = replace(one(frames=30), comparable=np.arange(30) % 6 % 2 == 0)
    broken.comparable[5::6] = True
    valid = collate([broken], InputSpec(lag=lag)).valid[0]
    assert valid[: len(expected)].int().tolist() == expected


def test_no_augmentation_changes_nothing() -> None:
    clip = one()
    same = augment(clip, NOTHING, np.random.default_rng(0))
    assert np.array_equal(same.rgb, clip.rgb)


def test_a_flip_mirrors_left_and_right() -> None:
    clip = one()
    flipped = augment(clip, replace(NOTHING, flip=1), np.random.default_rng(0))
    assert np.array_equal(flipped.rgb, clip.rgb[..., ::-1])


def test_gamma_and_noise_stay_in_range() -> None:
    changed = augment(one(), replace(NOTHING, gamma=1, noise=1, noise_max=0.5), np.random.default_rng(0))
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


def test_another_frame_rate_is_refused() -> None:
    with pytest.raises(ClipsInvalid, match="25"):
        collate([one()], InputSpec(fps=25.0))


def batches(folder: Path, seed: int = 0) -> TrainingBatches:
    return TrainingBatches(ClipFolder(folder), spec=InputSpec(), batch_clips=3, seed=seed)


def test_an_epoch_shows_each_clip_at_most_once(clips: Path) -> None:
    row = batches(clips).augmented_by(NOTHING)
    rates = torch.cat([next(row).bpm, next(row).bpm])
    assert len(set(rates.tolist())) == 6


def test_the_same_seed_gives_the_same_row(clips: Path) -> None:
    a, b, c = next(batches(clips)), next(batches(clips)), next(batches(clips, seed=1))
    assert torch.equal(a.rgb, b.rgb)
    assert not torch.equal(a.rgb, c.rgb)


def test_it_goes_on_where_it_stood(clips: Path) -> None:
    row, other = batches(clips), batches(clips)
    for _ in range(3):
        next(row)
    other.restore(row.state())
    assert torch.equal(next(row).rgb, next(other).rgb)


def test_a_fresh_state_can_be_restored(clips: Path) -> None:
    row = batches(clips)
    row.restore(batches(clips).state())
    assert torch.equal(next(row).rgb, next(batches(clips)).rgb)


def test_new_clips_join_at_the_next_epoch(tmp_path: Path) -> None:
    row = batches(write_clips(tmp_path, 4))
    next(row)
    write_clips(tmp_path, 8, seed=1)
    next(row)
    assert len(row.state()["shards"]) == 3


def test_too_few_clips_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClipsInvalid, match="2 clips are too few"):
        next(batches(write_clips(tmp_path, 2)))


def test_plain_batches_keep_to_the_limit(clips: Path) -> None:
    sizes = [len(b.bpm) for b in plain_batches(ClipFolder(clips), spec=InputSpec(lag=3), batch_clips=2, limit=3)]
    assert sizes == [2, 1]
