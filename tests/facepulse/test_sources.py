import subprocess
import sys
import time
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from facepulse import SourceUnavailable, camera_frames, file_frames
from facepulse.sources import camera_name, camera_pictures, csi_pipeline
from tests.service.pipeline.media import Recipe, write_video
from tests.service.server import ROOT

CLIP = ROOT / "demo" / "astronaut.mp4"


def test_a_files_frames_are_jpegs_with_their_times() -> None:
    frames = list(islice(file_frames(CLIP, realtime=False), 60))
    assert all(jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9") for _, jpeg in frames)
    assert frames[0][0] == 0.0
    assert all(0.03 < after[0] - before[0] < 0.04 for before, after in pairwise(frames))


def test_the_pictures_survive(tmp_path: Path) -> None:
    """The mean colour, which is what carries the pulse, to a fraction of a grey level."""
    _, jpeg = next(file_frames(CLIP, realtime=False))
    (tmp_path / "frame.jpg").write_bytes(jpeg)
    with av.open(str(CLIP)) as video, av.open(str(tmp_path / "frame.jpg")) as picture:
        before, after = (next(file.decode(video=0)).to_ndarray(format="rgb24") for file in (video, picture))
    assert before.shape == after.shape
    assert abs(before.mean((0, 1)) - after.mean((0, 1))).max() < 1.5


def test_real_time_takes_its_time() -> None:
    began = time.monotonic()
    frames = list(islice(file_frames(CLIP), 10))
    assert time.monotonic() - began >= frames[-1][0]


@pytest.mark.parametrize("content", [None, b"no video", b""])
def test_a_file_that_is_no_video_is_unavailable(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(SourceUnavailable):
        next(file_frames(tmp_path / "clip.mp4"))


def test_a_camera_delivers_jpegs_with_rising_times() -> None:
    """A file in the camera's place: OpenCV reads both."""
    pytest.importorskip("cv2")
    frames = list(islice(camera_frames(str(CLIP)), 5))
    assert all(jpeg.startswith(b"\xff\xd8") for _, jpeg in frames)
    assert frames[0][0] == 0.0
    assert all(before[0] < after[0] for before, after in pairwise(frames))


def test_a_cameras_pictures_are_those_of_its_jpegs() -> None:
    cv2 = pytest.importorskip("cv2")
    _, bgr = next(camera_pictures(str(CLIP)))
    _, jpeg = next(camera_frames(str(CLIP)))
    assert bgr.shape == (480, 640, 3)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decoded.astype(int) - bgr).mean() < 3


def test_a_camera_is_called_by_number_or_by_name() -> None:
    assert [camera_name(text) for text in ("0", "2", "csi", "/dev/video1")] == [0, 2, "csi", "/dev/video1"]


def test_a_ribbon_camera_is_asked_for_its_size_and_rate() -> None:
    first, *rest = csi_pipeline(1280, 720, 59.94).split(" ! ")
    assert first == "nvarguscamerasrc"
    assert rest[0] == "video/x-raw(memory:NVMM),width=1280,height=720,framerate=60/1"
    assert rest[-2:] == ["video/x-raw,format=BGR", "appsink drop=true max-buffers=1"]


def test_without_a_ribbon_camera_there_is_none() -> None:
    cv2 = pytest.importorskip("cv2")
    if cv2.VideoCapture(0).isOpened():
        pytest.skip("this machine has a camera, which is what csi falls back to")
    with pytest.raises(SourceUnavailable, match="no such camera"):
        next(camera_frames("csi"))


def test_a_camera_that_stops_is_unavailable(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    video = write_video(tmp_path / "short.mp4", Recipe(seconds=0.2))
    with pytest.raises(SourceUnavailable, match="delivers no frames"):
        for _ in camera_frames(str(video)):
            pass


def test_a_camera_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    with pytest.raises(SourceUnavailable, match="no such camera"):
        next(camera_frames(str(tmp_path / "video0")))


@pytest.mark.parametrize(("package", "call"), [("cv2", "camera_frames()"), ("av", "file_frames('x')")])
def test_a_missing_package_is_named(package: str, call: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; from facepulse import *; next({call})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "pip install" in done.stderr.splitlines()[-1]
