"""Reading video: the frames' times, parts of a video, and the limits of both."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from service.pipeline.decode import VideoReader
from service.pipeline.errors import (
    FrameRateOutOfRange,
    TimestampsInvalid,
    VideoTooLong,
    VideoTooShort,
)
from service.pipeline.types import DecodeLimits
from tests.service.pipeline.decoding import mean_rgb, read, saved
from tests.service.pipeline.media import (
    Recipe,
    gradient,
    patch,
    restamped,
    u32,
    write_video,
)

STAMPS_MS = tuple(int(t) for t in np.cumsum(np.random.default_rng(1).integers(20, 50, 200)))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_variable_frame_rate_keeps_every_time(tmp_path: Path, name: str) -> None:
    recipe = Recipe(stamps=STAMPS_MS, time_base=Fraction(1, 1000))
    times = read(write_video(tmp_path / name, recipe))[0]
    np.testing.assert_allclose(times, (np.array(STAMPS_MS) - STAMPS_MS[0]) / 1000, atol=1e-4)


@pytest.mark.parametrize("first", [-90, 900])
def test_first_frame_is_at_zero_wherever_the_file_begins(tmp_path: Path, first: int) -> None:
    stamps = tuple(range(first, first + 180 * 33, 33))
    times = read(write_video(tmp_path / "a.mkv", Recipe(stamps=stamps, time_base=Fraction(1, 1000))))[0]
    assert times[0] == 0
    assert times[1] == pytest.approx(0.033, abs=1e-6)


@pytest.mark.parametrize("first", [30, 25], ids=["at a key frame", "between key frames"])
def test_edit_list_that_skips_the_beginning_is_followed(tmp_path: Path, good: bytes, first: int) -> None:
    edited = patch(good, b"elst", 8, u32(5000, 512 * first))
    times, _, info, warnings = read(saved(tmp_path / "a.mp4", edited))
    assert times[0] == 0
    assert info.frames == pytest.approx(150, abs=1)
    assert warnings == ["frames_trimmed"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("start_s", [1.0, 20.0])
def test_selection_keeps_the_clock_of_the_whole(tmp_path: Path, name: str, start_s: float) -> None:
    path = write_video(tmp_path / name, Recipe(seconds=30))
    times, frame, info, _ = read(path, start_s=start_s, duration_s=6)
    np.testing.assert_allclose(times, start_s + np.arange(180) / 30, atol=0.001)
    assert info.frames == 180
    expected = gradient(round((start_s + 6) * 30) - 1, 160, 120).mean(axis=(0, 1))
    np.testing.assert_allclose(mean_rgb(frame) * 255, expected, atol=3)


def test_limits_hold_for_the_selection(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", Recipe(seconds=30))
    limits = DecodeLimits(max_duration_s=10)
    assert read(path, limits, start_s=18, duration_s=8)[2].frames == 240
    assert read(path, limits, start_s=22)[2].frames == 240
    with pytest.raises(VideoTooLong):
        read(path, limits, start_s=2)
    with pytest.raises(VideoTooShort):
        read(path, start_s=28)
    with pytest.raises(VideoTooShort):
        read(path, start_s=300)


@pytest.mark.parametrize(
    ("start_s", "duration_s", "expected_s"), [(0, None, 6.0), (2, None, 4.0), (2, 3, 3.0), (4, 5, 2.0), (9, None, 0.0)]
)
def test_expected_duration_of_the_wanted_part(
    tmp_path: Path, good: bytes, start_s: float, duration_s: float | None, expected_s: float
) -> None:
    path = saved(tmp_path / "a.mp4", good)
    with VideoReader(path, start_s=start_s, duration_s=duration_s) as reader:
        assert reader.expected_duration_s == pytest.approx(expected_s)


def test_nothing_is_expected_where_the_container_says_nothing(tmp_path: Path) -> None:
    with VideoReader(write_video(tmp_path / "a.mkv", live(Recipe()))) as reader:
        assert reader.expected_duration_s is None


@pytest.mark.parametrize("seconds", [1 / 30, 1.0, 4.9])
def test_too_short(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(VideoTooShort):
        read(write_video(tmp_path / "a.mp4", Recipe(seconds=seconds)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_five_seconds_are_enough(tmp_path: Path, name: str) -> None:
    assert read(write_video(tmp_path / name, Recipe(seconds=5)))[2].frames == 150


def live(recipe: Recipe) -> Recipe:
    """Make a Matroska file as browsers do: without duration or index."""
    return Recipe(**{f: getattr(recipe, f) for f in Recipe.__slots__} | {"container_options": (("live", "1"),)})


def test_matroska_without_a_duration_is_served(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", live(Recipe()))
    with av.open(str(path)) as container:
        assert container.duration is None
    assert read(path)[2].frames == 180


def test_too_long_is_noticed_without_a_promise(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", live(Recipe(seconds=12)))
    with pytest.raises(VideoTooLong):
        read(path, DecodeLimits(max_duration_s=10))


def test_too_long_is_noticed_before_decoding(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", Recipe(seconds=12))
    with pytest.raises(VideoTooLong), VideoReader(path, DecodeLimits(max_duration_s=10)):
        pytest.fail("opened")


@pytest.mark.parametrize("fps", [0.1, 5.0])
def test_too_few_frames_per_second(tmp_path: Path, fps: float) -> None:
    with pytest.raises(FrameRateOutOfRange):
        read(write_video(tmp_path / "a.mkv", Recipe(seconds=4 / fps + 6, fps=fps)))


def test_too_many_frames_per_second(tmp_path: Path) -> None:
    stamps = tuple(range(2000))
    path = write_video(tmp_path / "a.mp4", Recipe(stamps=stamps, time_base=Fraction(1, 16000), width=64, height=64))
    with pytest.raises(FrameRateOutOfRange):
        read(path)


def test_millions_of_frames_stop_early(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", live(Recipe(seconds=4)))
    with pytest.raises(VideoTooLong):
        read(path, DecodeLimits(min_fps=0, max_fps=40, max_duration_s=2.5, min_duration_s=0))


def shuffled(*changes: tuple[int, int]) -> list[int]:
    """Return the times of 180 frames, 512 ticks apart, with some changed: (frame, frame whose time it gets)."""
    stamps = list(range(0, 180 * 512, 512))
    for index, source in changes:
        stamps[index] = source * 512
    return stamps


@pytest.mark.parametrize(
    "stamps",
    [shuffled((90, 30)), [0] * 180, shuffled(*((i, i - 1) for i in range(10, 100, 2)))],
    ids=["backwards", "standing still", "many duplicates"],
)
def test_times_that_run_backwards_or_stand_still_are_refused(tmp_path: Path, good: bytes, stamps: list[int]) -> None:
    with pytest.raises(TimestampsInvalid):
        read(saved(tmp_path / "a.mp4", restamped(good, stamps)))


def test_a_single_duplicate_costs_its_frame(tmp_path: Path, good: bytes) -> None:
    _, _, info, warnings = read(saved(tmp_path / "a.mp4", restamped(good, shuffled((90, 89)))))
    assert info.frames == 179
    assert warnings == ["frames_unplaced"]


def test_restamping_alone_changes_nothing(tmp_path: Path, good: bytes) -> None:
    assert read(saved(tmp_path / "a.mp4", restamped(good, shuffled())))[2].frames == 180


# Broken, cut off, forbidden
