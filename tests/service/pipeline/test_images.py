"""Batches of frames: what is served, what is refused, and by which error."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.errors import (
    FrameRateOutOfRange,
    FramesMismatch,
    ImageMalformed,
    InputError,
    NoColour,
    NotAnImage,
    ResolutionChanged,
    ResolutionOutOfRange,
    TimestampsInvalid,
    VideoTooLong,
    VideoTooShort,
)
from service.pipeline.frame import Frame
from service.pipeline.images import BatchReader, FrameBatch, ImageFiles
from service.pipeline.types import DecodeLimits, VideoInfo
from tests.service.pipeline.media import Rgb, flat, gradient
from tests.service.pipeline.pictures import (
    jpeg,
    jpeg_that_says,
    png,
    png_that_says,
    with_orientation,
    write_images,
    write_raw,
)

COUNT = 60
SHORT = DecodeLimits(min_duration_s=1.0)


def pictures(count: int = COUNT, width: int = 96, height: int = 72) -> Rgb:
    return np.stack([gradient(index, width, height) for index in range(count)])


def read(batch: FrameBatch | ImageFiles, limits: DecodeLimits = SHORT) -> tuple[list[Frame], VideoInfo, list[str]]:
    with BatchReader(batch, limits) as reader:
        return list(reader.frames()), reader.info, [warned.code for warned in reader.warnings]


def refused(batch: FrameBatch | ImageFiles, limits: DecodeLimits = SHORT) -> type[InputError]:
    with pytest.raises(InputError) as caught:
        read(batch, limits)
    return caught.type


def pixels(frame: Frame) -> Rgb:
    return np.stack(frame.planes, axis=-1)


def test_raw_frames_come_as_they_are(tmp_path: Path) -> None:
    sent = pictures()
    frames, info, warnings = read(write_raw(tmp_path / "raw", sent))
    np.testing.assert_array_equal(np.stack([pixels(frame) for frame in frames]), sent)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(COUNT) / 30)
    assert (info.codec, info.width, info.height, info.frames) == ("rgb24", 96, 72, COUNT)
    assert (info.fps, info.duration_s) == pytest.approx((30.0, 2.0))
    assert warnings == []


def test_images_come_in_order(tmp_path: Path) -> None:
    sent = pictures()
    frames, info, _ = read(write_images(tmp_path / "png", [png(picture) for picture in sent]))
    np.testing.assert_array_equal(np.stack([pixels(frame) for frame in frames]), sent)
    assert (info.codec, info.width, info.height, info.frames, info.rotation_deg) == ("png", 96, 72, COUNT, 0)


def test_size_and_turn_of_turned_images(tmp_path: Path) -> None:
    _, info, _ = read(write_images(tmp_path / "jpeg", [with_orientation(jpeg(p), 6) for p in pictures()]))
    assert (info.codec, info.width, info.height, info.rotation_deg) == ("jpeg", 72, 96, 90)


def test_times_may_come_from_any_clock(tmp_path: Path) -> None:
    batch = write_raw(tmp_path / "raw", pictures())
    batch = replace(batch, timestamps_s=tuple(1.7e9 + time_s for time_s in batch.timestamps_s))
    frames, info, _ = read(batch)
    assert frames[-1].time_s == pytest.approx((COUNT - 1) / 30, abs=1e-6)
    assert info.duration_s == pytest.approx(2.0, abs=1e-5)


def stamped(path: Path, times_s: list[float]) -> FrameBatch:
    return replace(write_raw(path, pictures(len(times_s), 64, 64)), timestamps_s=tuple(times_s))


EVEN = [index / 30 for index in range(200)]


def test_one_time_that_comes_twice_costs_one_frame(tmp_path: Path) -> None:
    frames, info, warnings = read(stamped(tmp_path / "raw", [*EVEN[:100], EVEN[99], *EVEN[100:]]))
    assert len(frames) == info.frames == 200
    assert warnings == ["frames_unplaced"]


@pytest.mark.parametrize(
    ("times_s", "error"),
    [
        ([*EVEN[:50], *EVEN[49:100], *EVEN[95:]], TimestampsInvalid),
        ([time_s for time_s in EVEN for _ in range(2)], TimestampsInvalid),
        ([0.0] * 200, TimestampsInvalid),
        (EVEN[::-1], TimestampsInvalid),
        ([*EVEN[:100], 50.0, *EVEN[101:]], TimestampsInvalid),
        ([*EVEN[:199], 1e6], VideoTooLong),
        ([*EVEN[:100], *(time_s + 500 for time_s in EVEN[100:])], FrameRateOutOfRange),
        ([30 * time_s for time_s in EVEN], FrameRateOutOfRange),
        ([time_s / 30 for time_s in EVEN], VideoTooShort),
        ([time_s / 10 for time_s in EVEN * 1], VideoTooShort),
        ([index / 500 for index in range(900)], FrameRateOutOfRange),
        ([0.0], VideoTooShort),
    ],
    ids=["backwards a little", "all twice", "all the same", "reversed", "one ahead", "a huge gap", "a long gap",
         "1 fps", "900 fps", "300 fps", "500 fps", "one frame"],
)  # fmt: skip
def test_times_that_do_not_fit_are_refused_before_anything_is_read(
    tmp_path: Path, times_s: list[float], error: type[InputError]
) -> None:
    batch = stamped(tmp_path / "raw", times_s)
    with pytest.raises(error), BatchReader(batch, SHORT):
        pass


def test_length_is_what_the_limits_say(tmp_path: Path) -> None:
    batch = stamped(tmp_path / "raw", EVEN)
    assert refused(batch, DecodeLimits(min_duration_s=7.0)) is VideoTooShort
    assert refused(batch, DecodeLimits(max_duration_s=5.5)) is VideoTooLong


def test_the_file_must_be_what_was_said_of_it(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw", pictures())
    images = write_images(tmp_path / "images", [jpeg(picture) for picture in pictures()])
    assert refused(replace(raw, height=73)) is FramesMismatch
    assert refused(replace(raw, timestamps_s=raw.timestamps_s[1:])) is FramesMismatch
    assert refused(replace(images, timestamps_s=images.timestamps_s[1:])) is FramesMismatch
    assert refused(replace(images, offsets=(*images.offsets[:-1], images.offsets[-1] - 1))) is FramesMismatch


@pytest.mark.parametrize(("width", "height"), [(2, 2), (63, 300), (3841, 64), (100_000, 100_000), (0, 100), (-5, -5)])
def test_raw_sizes_have_limits(tmp_path: Path, width: int, height: int) -> None:
    batch = write_raw(tmp_path / "raw", pictures())
    assert refused(replace(batch, width=width, height=height)) is ResolutionOutOfRange


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        (jpeg(gradient(0, 72, 96)), ResolutionChanged),
        (png(gradient(0, 96, 72)), NotAnImage),
        (b"GIF89a" + bytes(100), NotAnImage),
        (jpeg(gradient(0, 96, 72))[:-200], ImageMalformed),
    ],
    ids=["another size", "another kind", "a GIF", "cut"],
)
def test_one_odd_image_spoils_the_batch(tmp_path: Path, odd: bytes, error: type[InputError]) -> None:
    images = [jpeg(picture) for picture in pictures()]
    assert refused(write_images(tmp_path / "images", [*images[:30], odd, *images[31:]])) is error


@pytest.mark.parametrize(
    "image", [png_that_says(100_000, 100_000), png_that_says(20_000, 20_000), jpeg_that_says(65_535, 65_535)]
)
def test_bombs_are_refused_by_their_headers(tmp_path: Path, image: bytes) -> None:
    assert refused(write_images(tmp_path / "images", [image] * COUNT)) is ResolutionOutOfRange


def test_grey_has_no_colour(tmp_path: Path) -> None:
    grey = np.repeat(pictures()[..., :1], 3, axis=-1)
    assert refused(write_raw(tmp_path / "raw", grey)) is NoColour
    assert refused(write_images(tmp_path / "png", [png(picture, "gray") for picture in grey])) is NoColour
    assert refused(write_images(tmp_path / "jpeg", [jpeg(picture) for picture in grey])) is NoColour


def test_the_dark_is_not_called_grey(tmp_path: Path) -> None:
    dark = np.stack([flat(3, 3, 3)(index, 64, 64) for index in range(COUNT)])
    assert len(read(write_raw(tmp_path / "raw", dark))[0]) == COUNT


def write_files(folder: Path, images: Sequence[bytes]) -> ImageFiles:
    paths = tuple(folder / f"{index}.png" for index in range(len(images)))
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(image)
    return ImageFiles(paths, tuple(1e9 + index / 30 for index in range(len(images))))


def test_pictures_may_lie_in_files_of_their_own(tmp_path: Path) -> None:
    sent = pictures()
    frames, info, warnings = read(write_files(tmp_path, [png(picture) for picture in sent]))
    np.testing.assert_array_equal(np.stack([pixels(frame) for frame in frames]), sent)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(COUNT) / 30, abs=1e-6)
    assert (info.codec, info.width, info.height, info.frames, warnings) == ("png", 96, 72, COUNT, [])


def test_files_are_read_one_at_a_time(tmp_path: Path) -> None:
    files = write_files(tmp_path, [png(picture) for picture in pictures()])
    with BatchReader(files, SHORT) as reader:
        frames = reader.frames()
        next(frames)
        files.paths[1].unlink()
        with pytest.raises(ImageMalformed, match="cannot be read"):
            next(frames)


def test_there_must_be_a_time_for_each_file(tmp_path: Path) -> None:
    files = write_files(tmp_path, [png(picture) for picture in pictures()])
    assert refused(replace(files, paths=files.paths[1:])) is FramesMismatch


def test_times_of_files_are_checked_too(tmp_path: Path) -> None:
    files = write_files(tmp_path, [png(picture) for picture in pictures()])
    assert refused(replace(files, timestamps_s=files.timestamps_s[::-1])) is TimestampsInvalid
