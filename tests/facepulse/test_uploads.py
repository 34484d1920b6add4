import io
import os
from pathlib import Path

import numpy as np
import pytest

from facepulse.uploads import frame_batch, open_video, repeatable

RGB = np.zeros((3, 4, 6, 3), np.uint8)


def content_of(video: object) -> bytes:
    with open_video(video) as (_, file):  # type: ignore[arg-type]
        return file if isinstance(file, bytes) else file.read()


def test_a_video_may_be_a_path_a_file_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "me.mp4"
    path.write_bytes(b"VIDEO")
    assert [content_of(video) for video in (path, str(path), io.BytesIO(b"VIDEO"), b"VIDEO")] == [b"VIDEO"] * 4


def test_an_open_file_is_sent_from_its_beginning_and_stays_open() -> None:
    file = io.BytesIO(b"VIDEO")
    file.read()
    assert content_of(file) == b"VIDEO"
    assert not file.closed


def test_what_cannot_seek_is_read_once_and_for_all() -> None:
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(b"VIDEO")
    with open(reading, "rb") as pipe:
        video = repeatable(pipe)
    assert [content_of(video), content_of(video)] == [b"VIDEO", b"VIDEO"]


def test_what_can_be_sent_again_is_left_alone() -> None:
    file = io.BytesIO(b"VIDEO")
    assert repeatable(file) is file
    assert repeatable("me.mp4") == "me.mp4"
    assert file.tell() == 0


def test_the_name_of_a_file_stays_here(tmp_path: Path) -> None:
    (tmp_path / "patient-7.mp4").write_bytes(b"VIDEO")
    with open_video(tmp_path / "patient-7.mp4") as (name, _):
        assert name == "video"


def test_images_are_sent_as_they_are() -> None:
    batch = frame_batch([b"one", b"two"], timestamps_s=[0.0, 1 / 30], fps=None)
    assert (batch.images, batch.fields) == ((b"one", b"two"), (("timestamps_s", "0.000000,0.033333"),))


def test_arrays_become_raw_frames() -> None:
    batch = frame_batch(RGB, timestamps_s=None, fps=30)
    assert len(batch.raw) == RGB.size
    assert dict(batch.headers) == {
        "X-Frame-Count": "3",
        "X-Frame-Height": "4",
        "X-Frame-Width": "6",
        "X-Frame-Fps": "30.000000",
        "Content-Type": "application/octet-stream",
    }


def test_an_array_that_lies_otherwise_is_put_in_order() -> None:
    bgr = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    batch = frame_batch([bgr[:, ::-1, ::-1]], timestamps_s=[0.0], fps=None)
    assert batch.raw == bgr[:, ::-1, ::-1].tobytes()


def test_many_times_take_several_headers() -> None:
    times = [index / 30 for index in range(2000)]
    batch = frame_batch(np.zeros((2000, 2, 2, 3), np.uint8), timestamps_s=times, fps=None)
    lists = [value for name, value in batch.headers if name == "X-Frame-Timestamps"]
    assert max(map(len, lists)) <= 4000
    assert [float(text) for text in ",".join(lists).split(",")] == pytest.approx(times, abs=1e-6)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"one", RGB[0]],
        ["one"],
        [RGB[0].astype(float)],
        [RGB[0, :, :, 0]],
        [RGB[0], RGB[0, :2]],
        [RGB[0, :, :, :2]],
    ],
)
def test_what_is_no_frame_is_refused(frames: object) -> None:
    with pytest.raises(ValueError, match=r"frame|array"):
        frame_batch(frames, timestamps_s=None, fps=30)  # type: ignore[arg-type]
