from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from service.pipeline.types import InputSpec
from tests.training.moving_colours import write_clips
from tests.training.noise_clip import one
from training.batches import (
    TrainingBatches,
    collate,
    plain_batches,
    pulse_change,
    pulse_slope,
)
from training.clips import ClipFolder, ClipsInvalid, ClipWriter
from training.config import NO_AUGMENT

T = np.arange(160) / 30


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


def test_another_frame_rate_is_refused() -> None:
    with pytest.raises(ClipsInvalid, match="25"):
        collate([one()], InputSpec(fps=25.0))


def batches(folder: Path, seed: int = 0) -> TrainingBatches:
    return TrainingBatches(ClipFolder(folder), spec=InputSpec(), batch_clips=3, seed=seed)


def test_an_epoch_shows_each_clip_at_most_once(clips: Path) -> None:
    row = batches(clips).augmented_by(NO_AUGMENT)
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
    with pytest.raises(ClipsInvalid, match="too few clips of one length for a batch of 3"):
        next(batches(write_clips(tmp_path, 2)))


def test_plain_batches_keep_to_the_limit(clips: Path) -> None:
    sizes = [len(b.bpm) for b in plain_batches(ClipFolder(clips), spec=InputSpec(lag=3), batch_clips=2, limit=3)]
    assert sizes == [2, 1]


def test_windows_get_the_wave_and_the_clips_ends_repeated() -> None:
    clip = one()
    count = len(clip.ppg)
    batch = collate([clip], InputSpec(lag=15, past=10, future=5))
    assert batch.rgb.shape[1] == count + 15
    assert batch.target.shape == batch.valid.shape == (1, count)
    np.testing.assert_array_equal(batch.rgb[0, :10], np.repeat(clip.rgb[:1], 10, axis=0))
    np.testing.assert_array_equal(batch.rgb[0, -5:], np.repeat(clip.rgb[-1:], 5, axis=0))
    assert batch.valid.all()
    assert float(np.corrcoef(batch.target[0], clip.ppg)[0, 1]) > 0.9


def test_windows_may_learn_the_change_around_their_frame() -> None:
    clip = one(bpm=90)
    target = collate([clip], InputSpec(lag=15, past=10, future=5), "derivative").target[0].numpy()
    assert np.array_equal(target, pulse_slope(clip.ppg, 30.0))
    assert np.corrcoef(target[10:-10], np.cos(2 * np.pi * 1.5 * T)[10:-10])[0, 1] > 0.99


def test_windows_learn_from_the_longest_piece_alone() -> None:
    clip = one()
    comparable = clip.comparable.copy()
    comparable[20] = False
    batch = collate([replace(clip, comparable=comparable)], InputSpec(lag=15, past=10, future=5))
    assert not batch.valid[0, :20].any()
    assert batch.valid[0, 20:].all()
    np.testing.assert_array_equal(batch.rgb[0, :30], np.repeat(clip.rgb[20:21], 30, axis=0))


def test_batches_hold_clips_of_one_length(tmp_path: Path) -> None:
    for tag, frames in (("long", 40), ("short", 30)):
        with ClipWriter(tmp_path, tag=tag) as writer:
            for _ in range(4):
                clip = one(frames=frames)
                writer.add(clip.rgb, clip.ppg, clip.comparable, clip.meta)
    row = TrainingBatches(ClipFolder(tmp_path), spec=InputSpec(), batch_clips=2, seed=0)
    assert sorted(next(row).rgb.shape[1] for _ in range(4)) == [30, 30, 40, 40]
