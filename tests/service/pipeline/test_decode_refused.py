"""Reading video: what is damaged or refused, and by which error."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from service.pipeline.errors import (
    CodecNotAllowed,
    InputError,
    NoColour,
    NotAVideo,
    NoVideoStream,
    ResolutionChanged,
    ResolutionOutOfRange,
    VideoMalformed,
    VideoTruncated,
)
from service.pipeline.types import DecodeLimits
from tests.service.pipeline.decoding import SHORT, read, saved
from tests.service.pipeline.media import (
    Recipe,
    box,
    find_box,
    flat,
    gradient,
    write_streams,
    write_video,
)

CLIPS = Path(__file__).parents[3].parent / "shared" / "data" / "clips"


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
