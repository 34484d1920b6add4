from pathlib import Path

import av
import numpy as np
import pytest

from tests.training.synthesis.clips import decoded
from training.synthesis.codec import CODECS, CodecSettings, VideoWriter

KINDS = [
    ("h264", "mp4"), ("h264", "mov"), ("h264", "mkv"), ("mpeg4", "mp4"), ("mpeg4", "avi"),
    ("vp8", "webm"), ("vp9", "webm"), ("mjpeg", "avi"), ("mjpeg", "mkv"),
]  # fmt: skip
UNEVEN_S = np.cumsum(np.r_[0, 33, 40, 29, 66, 31, 34, 28, 45, 33, 33]) / 1000


def _pictures(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    y, x = np.mgrid[:96, :128]
    return np.stack([np.stack([x + 5 * i, y + 60, 255 - x], 2) for i in range(count)]).clip(0, 255).astype(np.uint8)


def _write(path: Path, settings: CodecSettings, times_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Path:
    with VideoWriter(path, settings, 128, 96, 30.0) as writer:
        for time_s, rgb in zip(times_s, _pictures(len(times_s)), strict=True):
            writer.write(rgb, float(time_s))
    return path


def test_every_codec_is_tried() -> None:
    assert {name for name, _ in KINDS} == set(CODECS)


@pytest.mark.parametrize(("name", "container"), KINDS)
def test_frames_come_back_at_their_times(tmp_path: Path, name: str, container: str) -> None:
    times_s = np.arange(11) / 30 if container == "avi" else UNEVEN_S
    path = _write(tmp_path / "clip", CodecSettings(name, container, bits_per_pixel=2.0), times_s)
    seen_s, pictures = decoded(path)
    np.testing.assert_allclose(seen_s - seen_s[0], times_s, atol=0.0011)
    assert np.abs(pictures[-1].astype(float) - _pictures(11)[-1]).mean() < 6


@pytest.mark.parametrize(("name", "container"), KINDS[:1] + KINDS[4:7])
def test_the_same_frames_give_the_same_pictures(tmp_path: Path, name: str, container: str) -> None:
    settings = CodecSettings(name, container, bits_per_pixel=0.3)
    one, two = (decoded(_write(tmp_path / part, settings, np.arange(11) / 30))[1] for part in "ab")
    np.testing.assert_array_equal(one, two)


def test_key_frames_come_as_often_as_asked(tmp_path: Path) -> None:
    path = _write(tmp_path / "clip", CodecSettings("mpeg4", "mp4", gop=5), UNEVEN_S)
    with av.open(str(path)) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert [index for index, key in enumerate(keys) if key] == [0, 5, 10]


@pytest.mark.parametrize(("name", "container"), [("h264", "mp4"), ("mpeg4", "avi"), ("vp8", "webm")])
def test_size_follows_the_bits_per_pixel(tmp_path: Path, name: str, container: str) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(100, 125, (90, 120, 160, 3), np.uint8)
    with VideoWriter(tmp_path / "clip", CodecSettings(name, container, bits_per_pixel=0.3), 160, 120, 30.0) as writer:
        for index, rgb in enumerate(noise):
            writer.write(rgb, index / 30)
    assert 0.15 < (tmp_path / "clip").stat().st_size * 8 / (90 * 120 * 160) < 0.7


def test_a_failed_render_still_closes_the_file(tmp_path: Path) -> None:
    def fail() -> None:
        with VideoWriter(tmp_path / "clip", CodecSettings(), 128, 96, 30.0) as writer:
            writer.write(_pictures(1)[0], 0.0)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with pytest.raises(av.FFmpegError):
        decoded(tmp_path / "clip")
