from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from facepulse import SourceUnavailable
from tests.service.pipeline.media import Recipe, write_video
from training.recorder.camera import FileCamera, LiveCamera, Shot


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", Recipe(seconds=0.5))


def times_of(clip: Path) -> list[float]:
    with av.open(str(clip)) as container:
        return [frame.time or 0.0 for frame in container.decode(video=0)]


def seen(shots: Iterator[Shot]) -> list[float]:
    return [shot.time_s for shot in shots]


def test_a_files_frames_keep_their_own_times(clip: Path) -> None:
    camera = FileCamera(clip)
    times_s = seen(camera.shots(Event()))
    assert camera.began_s is not None
    assert np.array(times_s) - camera.began_s == pytest.approx(times_of(clip), abs=1e-6)
    assert (camera.fps, camera.connected, camera.unplugged) == (30.0, True, 0)


def test_a_file_stops_when_told(clip: Path) -> None:
    stop = Event()
    shots = FileCamera(clip).shots(stop)
    next(shots)
    stop.set()
    assert list(shots) == []


@pytest.mark.parametrize("content", [None, b"no video"])
def test_what_is_no_video_is_unavailable(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(SourceUnavailable, match="cannot be read as a video"):
        FileCamera(tmp_path / "clip.mp4")


def test_a_camera_delivers_pictures_with_rising_times(clip: Path) -> None:
    """A file in the camera's place: OpenCV reads both."""
    camera = LiveCamera(str(clip))
    shots = list(islice(camera.shots(Event()), 5))
    assert all(before.time_s < after.time_s for before, after in pairwise(shots))
    assert camera.connected
    with av.open(str(clip)) as container:
        expected = next(container.decode(video=0)).to_ndarray(format="bgr24")
    assert abs(shots[0].picture.to_ndarray(format="bgr24").astype(int) - expected).mean() < 2


def test_a_camera_that_goes_is_opened_again(clip: Path, tmp_path: Path) -> None:
    """A file that ends stands for a camera that is unplugged."""
    device = tmp_path / "video0.mp4"
    device.symlink_to(clip)
    camera, frames = LiveCamera(str(device)), len(times_of(clip))
    shots = camera.shots(Event())
    list(islice(shots, frames + 1))
    assert (camera.unplugged, camera.connected) == (1, True)
    list(islice(shots, frames))
    assert camera.unplugged == 2


def test_a_camera_that_goes_is_waited_for_until_told_to_stop(clip: Path, tmp_path: Path) -> None:
    device, stop = tmp_path / "video0.mp4", Event()
    device.symlink_to(clip)
    camera = LiveCamera(str(device))
    shots = camera.shots(stop)
    next(shots)
    device.unlink()
    stop.set()
    assert list(shots) == []


def test_a_camera_that_never_was_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no such camera"):
        next(LiveCamera(str(tmp_path / "video0")).shots(Event()))
