"""The grid, the averages over a period, and what happens where frames are missing or the crop moves."""

from collections.abc import Iterable

import numpy as np
import pytest

from service.pipeline.clip import ClipBuilder, Resampler
from service.pipeline.frame import frame_from_rgb
from service.pipeline.types import Box, Clip, Floats, InputSpec


def resample(
    times: Iterable[float], values: Iterable[float], fps: float = 30.0, broken_at: int = -1
) -> tuple[Floats, list[bool], float]:
    resampler = Resampler(fps)
    out = [
        sample
        for index, (t, v) in enumerate(zip(times, values, strict=True))
        for sample in resampler.push(t, np.array([v], np.float32), broken=index == broken_at)
    ]
    return np.array([value[0] for value, _ in out]), [comparable for _, comparable in out], resampler.start_s


@pytest.mark.parametrize("source_fps", [15.0, 24.0, 30.0, 50.0, 60.0, 120.0])
def test_a_straight_line_stays_one_at_any_frame_rate(source_fps: float) -> None:
    times = np.arange(0, 3, 1 / source_fps)
    values, _, start_s = resample(times, 2 + 0.5 * times)
    grid = start_s + np.arange(len(values)) / 30
    np.testing.assert_allclose(values[1:], 2 + 0.5 * grid[1:], atol=1e-5)


def test_jittered_times_give_the_same_wave_as_even_ones() -> None:
    rng = np.random.default_rng(1)
    even = np.arange(0, 10, 1 / 30)
    jittered = even + rng.uniform(-0.008, 0.008, len(even))
    jittered[0] = 0
    first, _, _ = resample(even, np.sin(2 * np.pi * 1.5 * even))
    second, _, _ = resample(jittered, np.sin(2 * np.pi * 1.5 * jittered))
    n = min(len(first), len(second))
    np.testing.assert_allclose(first[1:n], second[1:n], atol=0.01)


def test_noise_of_a_faster_video_is_averaged_away() -> None:
    noise = np.random.default_rng(2).standard_normal(6000)
    slow, _, _ = resample(np.arange(3000) / 30, noise[:3000])
    fast, _, _ = resample(np.arange(6000) / 120, noise)
    assert fast.std() < 0.75 * slow.std()


def test_the_first_sample_is_at_the_first_frame() -> None:
    times = 7.5 + np.arange(60) / 30
    values, comparable, start_s = resample(times, times)
    assert start_s == 7.5
    assert len(values) == 59
    assert comparable == [False] + [True] * 58


def test_a_moved_crop_breaks_the_comparisons_around_it_and_mixes_nothing() -> None:
    times = np.arange(60) / 30
    values, comparable, _ = resample(times, np.where(np.arange(60) < 30, 1.0, 5.0), broken_at=30)
    assert set(values.tolist()) == {1.0, 5.0}
    assert [i for i, same in enumerate(comparable) if not same] == [0, 29, 30]


def test_no_sample_is_comparable_while_every_crop_moves() -> None:
    resampler = Resampler(30.0)
    marked = [
        comparable
        for index in range(20)
        for _, comparable in resampler.push(index / 15, np.zeros(1, np.float32), broken=index >= 10)
    ]
    assert not any(marked[20:])


def test_every_sample_within_a_gap_is_marked() -> None:
    times = np.concatenate([np.arange(30) / 30, 2 + np.arange(30) / 30])
    _, comparable, start_s = resample(times, np.ones(60))
    marked = start_s + np.flatnonzero(~np.array(comparable)[1:]) / 30 + 1 / 30
    assert marked.min() == pytest.approx(29 / 30, abs=0.04)
    assert marked.max() == pytest.approx(2.0, abs=0.04)
    assert len(marked) == 32


def build(chunk: int) -> list[Clip]:
    rng = np.random.default_rng(3)
    builder = ClipBuilder(InputSpec(), chunk=chunk)
    clips: list[Clip] = []
    for index in range(50):
        frame = frame_from_rgb(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), index / 25)
        clips += builder.push(frame, Box(4, 2, 60, 58), moved=index == 20)
    return clips + list(builder.finish())


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_clips_of_any_length_hold_the_same_crops(chunk: int) -> None:
    whole, parts = build(1000), build(chunk)
    np.testing.assert_array_equal(np.concatenate([clip.rgb for clip in parts]), whole[0].rgb)
    np.testing.assert_array_equal(np.concatenate([clip.comparable for clip in parts]), whole[0].comparable)


def test_each_clip_says_when_it_begins() -> None:
    clips = build(10)
    np.testing.assert_allclose([clip.start_s for clip in clips], np.arange(len(clips)) / 3)


def test_crops_keep_what_eight_bits_would_lose() -> None:
    builder = ClipBuilder(InputSpec(), chunk=10)
    picture = np.full((72, 72, 3), 100, np.uint8)
    picture[::2, ::2] = 101  # a quarter of a grey level on average
    clips: list[Clip] = []
    for index in range(4):
        clips += builder.push(frame_from_rgb(picture, index / 30), Box(0, 0, 72, 72), moved=False)
    (clip,) = builder.finish()
    assert clip.rgb.shape == (3, 3, 36, 36)
    np.testing.assert_allclose(clip.rgb, 100.25 / 255, atol=1e-6)
