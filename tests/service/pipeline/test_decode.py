"""Reading video: the kinds that are served, and their pictures."""

from pathlib import Path

import av
import numpy as np
import pytest

from service.pipeline.decode import VideoReader
from service.pipeline.types import Box
from tests.service.pipeline.decoding import SHORT, mean_rgb, read, saved
from tests.service.pipeline.media import (
    Recipe,
    flat,
    gradient,
    turned,
    write_streams,
    write_video,
)

FAST = (("preset", "ultrafast"), ("g", "30"))
SKIN = (200, 140, 110)

KINDS = {
    "h264.mp4": Recipe(),
    "h264.mov": Recipe(),
    "h264.avi": Recipe(),
    "h264_b_frames.mkv": Recipe(options=(("preset", "veryfast"), ("bf", "3"))),
    "h264_b_frames.mp4": Recipe(options=(("preset", "veryfast"), ("bf", "3"))),
    "h264_422.mp4": Recipe(pix_fmt="yuv422p"),
    "h264_444.mp4": Recipe(pix_fmt="yuv444p"),
    "h264_10bit.mp4": Recipe(pix_fmt="yuv420p10le"),
    "h264_rgb.mp4": Recipe(codec="libx264rgb", pix_fmt="rgb24"),
    "hevc.mp4": Recipe(codec="libx265", options=(("preset", "ultrafast"), ("x265-params", "log-level=none"))),
    "vp8.webm": Recipe(codec="libvpx", options=(("deadline", "realtime"), ("cpu-used", "16"), ("b", "2M"))),
    "vp9.webm": Recipe(codec="libvpx-vp9", options=(("deadline", "realtime"), ("cpu-used", "8"))),
    "mpeg4.avi": Recipe(codec="mpeg4", options=()),
    "mpeg4_b_frames.avi": Recipe(codec="mpeg4", options=(("bf", "2"),)),
    "mjpeg.avi": Recipe(codec="mjpeg", pix_fmt="yuvj420p", options=()),
    "mjpeg.mov": Recipe(codec="mjpeg", pix_fmt="yuvj422p", options=()),
    "ffv1.mkv": Recipe(codec="ffv1", options=()),
    "ffv1_rgb.mkv": Recipe(codec="ffv1", pix_fmt="bgr0", options=()),
    "ffv1_16bit.mkv": Recipe(codec="ffv1", pix_fmt="gbrp16le", options=()),
    "raw_bottom_up.avi": Recipe(codec="rawvideo", pix_fmt="bgr24", options=()),
    "raw_packed.avi": Recipe(codec="rawvideo", pix_fmt="yuyv422", options=()),
    "raw_packed.mov": Recipe(codec="rawvideo", pix_fmt="uyvy422", options=()),
    "raw_nv12.mkv": Recipe(codec="rawvideo", pix_fmt="nv12", options=()),
    "raw_rgb.mov": Recipe(codec="rawvideo", pix_fmt="rgb24", options=()),
    "raw_15bit.mov": Recipe(codec="rawvideo", pix_fmt="rgb555le", options=()),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read_in_full_and_in_colour(tmp_path: Path, name: str) -> None:
    times, frame, info, warnings = read(write_video(tmp_path / name, KINDS[name], flat(*SKIN)))
    assert (info.width, info.height, info.frames) == (160, 120, 180)
    assert info.fps == pytest.approx(30, abs=0.01)
    assert info.duration_s == pytest.approx(6, abs=0.002)
    np.testing.assert_allclose(times, np.arange(180) / 30, atol=0.001)
    np.testing.assert_allclose(mean_rgb(frame) * 255, SKIN, atol=5)
    assert warnings == []


@pytest.mark.parametrize("name", ["h264.mp4", "h264_444.mp4", "raw_packed.mov", "raw_nv12.mkv", "raw_bottom_up.avi"])
def test_pictures_are_the_right_way_up(tmp_path: Path, name: str) -> None:
    recipe = KINDS[name]
    _, frame, _, _ = read(write_video(tmp_path / name, recipe))
    expected = gradient(179, 160, 120).reshape(4, 30, 4, 40, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(frame.area_average(Box(0, 0, 160, 120), 4, 4) * 255, expected, atol=5)


@pytest.mark.parametrize(("codec", "every"), [("libx264", 12), ("mpeg4", 12), ("mjpeg", 1)])
def test_frames_say_whether_they_were_sent_whole(tmp_path: Path, codec: str, every: int) -> None:
    form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {"libx264": (("g", "12"), ("x264-params", "scenecut=0")), "mpeg4": (("g", "12"),), "mjpeg": ()}[codec]
    path = write_video(tmp_path / "keys.mkv", Recipe(codec=codec, pix_fmt=form, options=options))
    with VideoReader(path) as reader:
        keys = [index for index, frame in enumerate(reader.frames()) if frame.is_key]
    assert keys == list(range(0, 180, every))


def test_names_of_codec_and_container(tmp_path: Path) -> None:
    info = read(write_video(tmp_path / "a.mp4"))[2]
    assert (info.codec, info.container) == ("h264", "mp4")


def test_planes_are_views_that_outlive_the_reader(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", Recipe(codec="ffv1", options=()))
    with VideoReader(path) as reader:
        frames = list(reader.frames())
    assert not any(plane.flags.owndata or plane.flags.writeable for plane in frames[0].planes)
    for index in (0, 90, 179):
        expected = gradient(index, 160, 120).mean(axis=(0, 1))
        np.testing.assert_allclose(mean_rgb(frames[index]) * 255, expected, atol=1.5)


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    frame = read(write_video(tmp_path / "a.mp4", KINDS["h264_10bit.mp4"]))[1]
    assert frame.planes[0].dtype == np.uint16
    assert frame.planes[0].max() > 255


@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("colorspace", [1, 5])
def test_tagged_range_and_matrix_are_used(tmp_path: Path, color_range: int, colorspace: int) -> None:
    recipe = Recipe(color_range=color_range, colorspace=colorspace)
    path = write_video(tmp_path / "a.mp4", recipe, flat(*SKIN))
    frame = read(path)[1]
    with av.open(str(path)) as container:
        rgb = next(container.decode(video=0)).reformat(format="rgb24", dst_color_range=2).to_ndarray()
    # swscale itself rounds to 8 bits and is up to two levels off.
    np.testing.assert_allclose(mean_rgb(frame) * 255, rgb.mean(axis=(0, 1)), atol=2.5)


@pytest.mark.parametrize(("height", "red"), [(480, 6), (720, 1)])
def test_untagged_pictures_are_bt601_below_720_lines(tmp_path: Path, height: int, red: int) -> None:
    recipe = Recipe(seconds=0.5, width=2 * height, height=height, codec="ffv1", options=(), colorspace=red)
    frame = read(write_video(tmp_path / "a.mkv", recipe, flat(255, 0, 0)), SHORT)[1]
    np.testing.assert_allclose(mean_rgb(frame), (1, 0, 0), atol=0.012)


# Turned, odd-sized, several streams, interlaced, HDR


@pytest.mark.parametrize(("turn_deg", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
def test_display_matrix_makes_pictures_upright(tmp_path: Path, good: bytes, turn_deg: int, turns: int) -> None:
    _, frame, info, _ = read(saved(tmp_path / "a.mp4", turned(good, turn_deg)))
    upright = np.rot90(gradient(179, 160, 120), turns)
    assert (info.height, info.width) == upright.shape[:2] == (frame.height, frame.width)
    assert info.rotation_deg == turn_deg
    corner = upright[:40, :40].mean(axis=(0, 1))
    np.testing.assert_allclose(frame.area_average(Box(0, 0, 40, 40), 1, 1)[0, 0] * 255, corner, atol=5)


def test_odd_sizes_are_taken(tmp_path: Path) -> None:
    recipe = Recipe(seconds=0.5, width=641, height=481, codec="ffv1", options=())
    info = read(write_video(tmp_path / "a.mkv", recipe), SHORT)[2]
    assert (info.width, info.height) == (641, 481)


def test_the_largest_of_several_video_streams_is_read(tmp_path: Path) -> None:
    recipes = [Recipe(), Recipe(width=320, height=240), Recipe(width=64, height=64)]
    _, _, info, warnings = read(write_streams(tmp_path / "a.mp4", recipes, sound_s=6))
    assert info.width == 320
    assert warnings == ["several_video_streams"]


def test_interlaced_video_is_said(tmp_path: Path) -> None:
    options = (*FAST, ("flags", "+ilme+ildct"), ("x264-params", "tff=1:interlaced=1"))
    assert read(write_video(tmp_path / "a.mp4", Recipe(options=options)))[3] == ["interlaced"]


@pytest.mark.parametrize("color_trc", [16, 18])
def test_hdr_is_said(tmp_path: Path, color_trc: int) -> None:
    recipe = Recipe(pix_fmt="yuv420p10le", color_trc=color_trc, colorspace=9)
    assert read(write_video(tmp_path / "a.mp4", recipe))[3] == ["hdr"]
