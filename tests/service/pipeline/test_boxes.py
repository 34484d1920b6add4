"""What the box check takes and refuses, on a good MP4 with single fields overwritten."""

import io
import struct
import time
import zipfile
from pathlib import Path

import pytest

from service.pipeline.boxes import check_boxes, identify
from service.pipeline.errors import InputError, NotAVideo, TimestampsInvalid, VideoMalformed, VideoTruncated
from tests.service.pipeline.media import Recipe, box, find_box, patch, u32, write_streams, write_video

FRAGMENTED = Recipe(container_options=(("movflags", "frag_keyframe+empty_moov+default_base_moof"),))
FAST_START = Recipe(container_options=(("movflags", "faststart"),))


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    check_boxes(path, max_duration_s=600)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_streams(tmp_path_factory.mktemp("boxes") / "good.mp4", [Recipe()], sound_s=6).read_bytes()


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_video(tmp_path_factory.mktemp("boxes") / "fragmented.mp4", FRAGMENTED).read_bytes()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.mp4", b"ftypmoov")
    return buffer.getvalue()


NOT_VIDEOS = {
    "empty": b"",
    "one byte": b"\0",
    "seven bytes": b"\0\0\0\x18fty",
    "random": bytes(range(255, 0, -1)) * 4000,
    "text": b"hello, I am a video\n" * 50,
    "html": b"<!DOCTYPE html><html><body>ftyp moov mdat</body></html>",
    "pdf": b"%PDF-1.7\n%ftypmoov",
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "zip": archive(),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "gzip": b"\x1f\x8b\x08\x00",
    "wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "ebml that is no matroska": b"\x1a\x45\xdf\xa3\x88\x42\x82\x85other",
    "mpeg ts": b"G@\0\x10" * 100,
    "hls to a file": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls to an address": b"#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data\n",
    "ffconcat": b"ffconcat version 1.0\nfile 'sibling.mp4'\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "xspf": b'<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"></playlist>',
}


@pytest.mark.parametrize("name", NOT_VIDEOS)
def test_what_is_no_video_is_refused_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(NOT_VIDEOS[name])
    with pytest.raises(NotAVideo):
        identify(path)


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mp4", "mpeg4", "mp4"),
        ("a.mov", "mpeg4", "mp4"),
        ("a.mkv", "mpeg4", "matroska"),
        ("a.webm", "libvpx", "matroska"),
        ("a.avi", "mpeg4", "avi"),
    ],
)
def test_containers_are_told_whatever_the_name_says(tmp_path: Path, name: str, codec: str, container: str) -> None:
    path = write_video(tmp_path / name, Recipe(seconds=0.2, codec=codec, options=()))
    assert identify(path.rename(tmp_path / "x.pdf")) == container


def test_good_files_pass(tmp_path: Path, good: bytes, fragmented: bytes) -> None:
    check(tmp_path / "a.mp4", good)
    check(tmp_path / "b.mp4", fragmented)
    check(tmp_path / "c.mp4", good + b"rubbish at the end of the file")


def test_uncompressed_sound_may_have_a_sample_per_value(tmp_path: Path, good: bytes) -> None:
    """Sound whose samples are two bytes each has hundreds of thousands of them in a few seconds."""
    tables = box(b"stts", u32(0, 1, 3_000_000, 1)) + box(b"stsz", u32(0, 2, 3_000_000))
    track = box(b"mdia", box(b"hdlr", u32(0, 0) + b"soun") + box(b"minf", box(b"stbl", tables)))
    check(
        tmp_path / "a.mp4", box(b"ftyp", b"isom") + box(b"moov", box(b"trak", track)) + box(b"mdat", bytes(6_000_000))
    )


def nested(kind: bytes, depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(kind, inner)
    return inner


def without_moov(data: bytes) -> bytes:
    return data[: find_box(data, b"moov")[0]]


def with_more_tracks(data: bytes, times: int) -> bytes:
    start, end = find_box(data, b"moov")
    first, last = find_box(data, b"trak")
    return data[:start] + box(b"moov", data[start + 8 : end] + data[first:last] * times)


BROKEN = {
    "moov missing": (without_moov, VideoMalformed),
    "cut inside moov": (lambda data: data[:-200], VideoTruncated),
    "cut before moov": (lambda data: data[: len(data) // 2], VideoTruncated),
    "nested moov": (lambda data: without_moov(data) + nested(b"moov", 1000), VideoMalformed),
    "nested udta": (lambda data: data + nested(b"udta", 5000), VideoMalformed),
    "nested trak": (lambda data: data + nested(b"trak", 100), VideoMalformed),
    "stsz of one size promises 80 M": (lambda data: patch(data, b"stsz", 4, u32(10, 80_000_000)), VideoMalformed),
    "stsz table promises 80 M": (lambda data: patch(data, b"stsz", 8, u32(80_000_000)), VideoMalformed),
    "stsz beyond the file": (lambda data: patch(data, b"stsz", 12, u32(0x7FFFFFFF)), VideoMalformed),
    "stts promises 80 M": (lambda data: patch(data, b"stts", 8, u32(80_000_000)), VideoMalformed),
    "stts longer than its box": (lambda data: patch(data, b"stts", 4, u32(1000)), VideoMalformed),
    "stsc longer than its box": (lambda data: patch(data, b"stsc", 4, u32(0x10000000)), VideoMalformed),
    "stco longer than its box": (lambda data: patch(data, b"stco", 4, u32(0x10000000)), VideoMalformed),
    "stsd longer than its box": (lambda data: patch(data, b"stsd", 4, u32(0x10000000)), VideoMalformed),
    "elst longer than its box": (lambda data: patch(data, b"elst", 4, u32(0x10000000)), VideoMalformed),
    "table beyond its parent": (lambda data: patch(data, b"stts", -8, u32(0x7FFFFFFF)), VideoMalformed),
    "box shorter than its header": (lambda data: patch(data, b"stts", -8, u32(4)), VideoMalformed),
    "table twice": (lambda data: patch(data, b"stsc", -4, b"stts"), VideoMalformed),
    "compressed moov": (lambda data: data + box(b"moov", box(b"cmov", b"")), VideoMalformed),
    "200 tracks": (lambda data: with_more_tracks(data, 198), VideoMalformed),
    "zero stts": (lambda data: patch(data, b"stts", 12, u32(0)), TimestampsInvalid),
    "one huge delta": (lambda data: patch(data, b"stts", 12, u32(0x7FFFFFFF)), VideoMalformed),
    "dref to another file": (lambda data: patch(data, b"dref", 16, u32(0)), VideoMalformed),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_boxes_are_refused(tmp_path: Path, good: bytes, name: str) -> None:
    breaker, error = BROKEN[name]
    with pytest.raises(error) as caught:
        check(tmp_path / "a.mp4", breaker(good))
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(("offset", "value"), [(0, u32(0, 60_000_000)), (4, u32(60_000_000)), (0, u32(0x100, 50_000))])
def test_fragment_that_promises_too_much_is_refused(
    tmp_path: Path, fragmented: bytes, offset: int, value: bytes
) -> None:
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", patch(fragmented, b"trun", offset, value))


def test_tracks_share_one_allowance_of_samples(tmp_path: Path) -> None:
    """Each of three tracks stays under the limit, all together do not."""
    tables = box(b"stsz", u32(0, 1, 900_000))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", tables))))
    data = box(b"ftyp", b"isom") + box(b"moov", track * 3) + box(b"mdat", bytes(1_000_000))
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", data)


def test_five_kilobytes_that_promise_80_million_samples_cost_nothing(tmp_path: Path) -> None:
    tables = box(b"stsz", u32(0, 1, 80_000_000)) + box(b"stts", u32(0, 1, 80_000_000, 1))
    track = box(b"trak", box(b"mdia", box(b"hdlr", u32(0, 0) + b"vide") + box(b"minf", box(b"stbl", tables))))
    data = box(b"ftyp", b"isom") + box(b"moov", track) + box(b"mdat", bytes(4500))
    start = time.process_time()
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", data)
    assert time.process_time() - start < 0.01


def test_media_that_is_cut_off_behind_the_index_is_left_to_the_decoder(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mp4", FAST_START).read_bytes()
    check(tmp_path / "b.mp4", data[: len(data) * 3 // 4])


def test_64_bit_sizes_are_read(tmp_path: Path, good: bytes) -> None:
    start, end = find_box(good, b"moov")
    large = struct.pack(">I4sQ", 1, b"moov", 16 + end - start - 8) + good[start + 8 : end]
    check(tmp_path / "a.mp4", good[:start] + large)
    with pytest.raises(VideoTruncated):
        check(tmp_path / "b.mp4", good[:start] + large[:8] + struct.pack(">Q", 2**62) + large[16:])


@pytest.mark.parametrize(
    ("payload", "is_good"),
    [(u32(0, 8, 4) + b"1234", True), (u32(0, 8, 5) + b"1234", False), (u32(0, 7, 1) + b"1", False)],
)
def test_compact_sizes_are_held_against_their_box(tmp_path: Path, payload: bytes, is_good: bool) -> None:
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stz2", payload)))))
    data = box(b"ftyp", b"isom") + box(b"moov", track) + box(b"mdat", bytes(100))
    if is_good:
        check(tmp_path / "a.mp4", data)
        return
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", data)


def test_millions_of_empty_boxes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", box(b"ftyp", b"isom") + box(b"free", b"") * 600_000)


def test_one_outside_reference_among_good_ones_is_found(tmp_path: Path) -> None:
    own, foreign = box(b"url ", u32(1)), box(b"url ", u32(0) + b"file:///etc/passwd\0")
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"dinf", box(b"dref", u32(0, 2) + own + foreign)))))
    with pytest.raises(VideoMalformed):
        check(tmp_path / "a.mp4", box(b"ftyp", b"isom") + box(b"moov", track))
