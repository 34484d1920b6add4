"""Reading video: what is served, what is refused, and by which error."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from service.pipeline.decode import VideoReader
from service.pipeline.errors import (
    CodecNotAllowed,
    FrameRateOutOfRange,
    InputError,
    NoColour,
    NotAVideo,
    NoVideoStream,
    ResolutionChanged,
    ResolutionOutOfRange,
    TimestampsInvalid,
    VideoMalformed,
    VideoTooLong,
    VideoTooShort,
    VideoTruncated,
)
from service.pipeline.frame import Frame
from service.pipeline.types import Box, DecodeLimits, Floats, VideoInfo
from tests.service.pipeline.media import (
    Recipe,
    box,
    find_box,
    flat,
    gradient,
    patch,
    restamped,
    turned,
    u32,
    write_streams,
    write_video,
)

CLIPS = Path(__file__).parents[3].parent / "shared" / "data" / "clips"
FAST = (("preset", "ultrafast"), ("g", "30"))
SKIN = (200, 140, 110)
SHORT = DecodeLimits(min_duration_s=0.1)


def read(
    path: Path, limits: DecodeLimits | None = None, *, start_s: float = 0.0, duration_s: float | None = None
) -> tuple[list[float], Frame, VideoInfo, list[str]]:
    """Read a video to its end: the frames' times, the last frame, the facts and the codes of the warnings."""
    with VideoReader(path, limits or DecodeLimits(), start_s=start_s, duration_s=duration_s) as reader:
        frames = [(frame.time_s, frame) for frame in reader.frames()][-1000:]
        return [time_s for time_s, _ in frames], frames[-1][1], reader.info, [w.code for w in reader.warnings]


def mean_rgb(frame: Frame) -> Floats:
    whole: Floats = frame.area_average(Box(0, 0, frame.width, frame.height), 1, 1)[0, 0]
    return whole


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_video(tmp_path_factory.mktemp("decode") / "good.mp4").read_bytes()


@pytest.fixture(scope="module")
def fast_start(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recipe = Recipe(container_options=(("movflags", "faststart"),))
    return write_video(tmp_path_factory.mktemp("decode") / "fast_start.mp4", recipe).read_bytes()


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


# Time


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


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_cut_off_files_are_refused_when_too_little_is_left(tmp_path: Path, fast_start: bytes, share: float) -> None:
    with pytest.raises(VideoTruncated):
        read(saved(tmp_path / "a.mp4", fast_start[: int(len(fast_start) * share)]))


def test_cut_off_files_are_served_with_a_warning_when_enough_is_left(tmp_path: Path, fast_start: bytes) -> None:
    _, _, info, warnings = read(saved(tmp_path / "a.mp4", fast_start[: int(len(fast_start) * 0.95)]))
    assert info.frames > 160
    assert "video_truncated" in warnings


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_cut_off_avi_and_matroska_are_served_with_a_warning(tmp_path: Path, name: str) -> None:
    data = write_video(tmp_path / f"whole_{name}", Recipe(seconds=10)).read_bytes()
    assert "video_truncated" in read(saved(tmp_path / name, data[: int(len(data) * 0.75)]))[3]


def damaged(data: bytes, places: int) -> bytes:
    start = find_box(data, b"mdat")[0] + 4000
    end = find_box(data, b"moov")[0]
    broken = bytearray(data)
    for at in np.random.default_rng(0).integers(start, end, places):
        broken[at] ^= 0xFF
    return bytes(broken)


def test_a_few_corrupt_frames_are_left_out(tmp_path: Path, good: bytes) -> None:
    _, _, info, warnings = read(saved(tmp_path / "a.mp4", damaged(good, 3)))
    assert 160 < info.frames < 180
    assert "frames_corrupt" in warnings


def test_many_corrupt_frames_are_refused(tmp_path: Path, good: bytes) -> None:
    with pytest.raises(VideoMalformed):
        read(saved(tmp_path / "a.mp4", damaged(good, 300)))


def test_no_video_stream(tmp_path: Path) -> None:
    with pytest.raises(NoVideoStream):
        read(write_streams(tmp_path / "a.mp4", [], sound_s=6))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("a.mov", "jpeg2000", "yuv420p"), ("a.mov", "prores_ks", "yuv422p10le"), ("a.avi", "magicyuv", "yuv420p")],
)
def test_codecs_off_the_list_are_refused(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    path = write_video(tmp_path / name, Recipe(seconds=0.3, codec=codec, pix_fmt=pix_fmt, options=()))
    with pytest.raises(CodecNotAllowed):
        read(path)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "ffv1"), ("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "rawvideo")]
)
def test_grey_is_refused(tmp_path: Path, name: str, codec: str) -> None:
    with pytest.raises(NoColour):
        read(write_video(tmp_path / name, Recipe(codec=codec, pix_fmt="gray", options=())))


def test_black_is_not_grey(tmp_path: Path) -> None:
    assert read(write_video(tmp_path / "a.mp4", paint=flat(0, 0, 0)))[2].frames == 180


@pytest.mark.parametrize(("width", "height"), [(2, 2), (62, 200), (3842, 64), (64, 3842)])
def test_sizes_out_of_range(tmp_path: Path, width: int, height: int) -> None:
    path = write_video(tmp_path / "a.mkv", Recipe(seconds=0.1, width=width, height=height, codec="ffv1", options=()))
    with pytest.raises(ResolutionOutOfRange):
        read(path)


def test_portrait_counts_like_landscape(tmp_path: Path) -> None:
    recipe = Recipe(seconds=0.2, width=64, height=3840, codec="mjpeg", pix_fmt="yuvj420p", options=())
    assert read(write_video(tmp_path / "a.mkv", recipe), SHORT)[2].height == 3840


def test_huge_pictures_are_never_decoded(tmp_path: Path) -> None:
    """The picture has twice the pixels that may be decoded, so FFmpeg itself refuses it."""
    path = write_video(tmp_path / "a.mp4", Recipe(seconds=0.1, width=640, height=480))
    with pytest.raises(ResolutionOutOfRange):
        read(path, DecodeLimits(max_width=320, max_height=240))


def test_the_real_size_counts_not_that_of_the_header(tmp_path: Path, good: bytes) -> None:
    at = good.index(b"avc1", find_box(good, b"stsd")[0]) + 28
    lying = good[:at] + b"\xff\xff\xff\xff" + good[at + 4 :]
    assert read(saved(tmp_path / "a.mp4", lying))[2].width == 160


def test_size_that_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        for index in range(60):
            side = 64 if index < 30 else 80
            coder = av.CodecContext.create("mjpeg", "w")
            assert isinstance(coder, av.VideoCodecContext)
            coder.width, coder.height, coder.pix_fmt, coder.time_base = side, side, "yuvj420p", Fraction(1, 30)
            frame = av.VideoFrame.from_ndarray(gradient(index, side, side), format="rgb24")
            frame = frame.reformat(format="yuvj420p")
            frame.pts = 0
            for packet in [*coder.encode(frame), *coder.encode(None)]:
                packet.stream, packet.pts, packet.dts = stream, index, index
                packet.time_base = Fraction(1, 30)
                out.mux(packet)
    with pytest.raises(ResolutionChanged):
        read(path, SHORT)


@pytest.mark.parametrize("name", ["video.mp4", "list.m3u8"])
def test_playlists_are_refused_and_what_they_name_is_not_opened(tmp_path: Path, name: str) -> None:
    """The first bytes decide, before FFmpeg sees the file; the sibling would be a good video."""
    sibling = write_video(tmp_path / "sibling.mp4")
    playlists = (f"#EXTM3U\n#EXTINF:6,\n{sibling}\n#EXT-X-ENDLIST\n", f"ffconcat version 1.0\nfile '{sibling}'\n")
    for text in playlists:
        with pytest.raises(NotAVideo):
            read(saved(tmp_path / name, text.encode()))


def test_good_file_decides_by_its_content_not_its_name(tmp_path: Path, good: bytes) -> None:
    assert read(saved(tmp_path / "concat:http%d.txt", good))[2].frames == 180


def test_page_within_an_mp4_is_read_as_mp4_only(tmp_path: Path, good: bytes) -> None:
    polyglot = good + box(b"free", b"<html><script>alert(1)</script></html>")
    assert read(saved(tmp_path / "a.html", polyglot))[2].frames == 180


def empty_matroska(good: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + good[:200]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "matroska head only": empty_matroska,
    "avi head only": lambda _: b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xff",
    "ftyp only": lambda data: data[:32],
    "media wiped": lambda data: data[:48] + bytes(find_box(data, b"moov")[0] - 48) + data[find_box(data, b"moov")[0] :],
}


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_but_named_errors(tmp_path: Path, good: bytes, name: str) -> None:
    with pytest.raises(InputError) as caught:
        read(saved(tmp_path / "a.bin", BROKEN[name](good)))
    assert type(caught.value) is not InputError


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_random_damage_never_raises_anything_else(tmp_path: Path, name: str) -> None:
    data = write_video(tmp_path / f"whole_{name}", Recipe(seconds=1, width=64, height=64)).read_bytes()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        broken = bytearray(data)
        for at in rng.integers(12, len(data), 12):
            broken[at] = rng.integers(256)
        try:
            read(saved(tmp_path / name, bytes(broken)), SHORT)
        except InputError as error:
            assert str(tmp_path) not in error.detail  # noqa: PT017


def test_missing_file_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "a.mp4")


# Real recordings


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the recordings are not part of the project")
@pytest.mark.parametrize("name", ["rec_1.webm", "rec_2.webm", "rec_3.webm"])
def test_browser_recordings_are_served(name: str) -> None:
    times, _, info, warnings = read(CLIPS / name)
    assert info.fps == pytest.approx(30, abs=0.1)
    assert np.diff(times).max() < 0.06
    assert warnings == []


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the recordings are not part of the project")
@pytest.mark.parametrize("level", [0, 25, 50, 75, 100])
def test_recordings_that_promise_more_frames_than_they_show_are_served_with_a_warning(level: int) -> None:
    _, _, info, warnings = read(CLIPS / f"light_{level}.mp4")
    assert info.fps == pytest.approx(50)
    assert warnings == ["frames_trimmed"]
    assert read(CLIPS / f"light_{level}.avi")[3] == []
