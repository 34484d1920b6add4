import numpy as np
import pytest

from service.pipeline.cropped import CroppedFace
from service.pipeline.errors import NoFaceFound, ResolutionOutOfRange
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.types import Box, TrackedFace


def frame(width: int, height: int, time_s: float = 0.0) -> Frame:
    return frame_from_rgb(np.zeros((height, width, 3), np.uint8), time_s)


def test_the_whole_picture_is_the_crop() -> None:
    face = CroppedFace()
    for index in range(3):
        assert face.update(frame(48, 50, 0.5 + index)) == (TrackedFace(0, Box(0, 0, 48, 50), moved=False),)
    (track,) = face.tracks()
    assert track.crops == ((0.5, Box(0, 0, 48, 50)),)
    assert (track.looks, track.found, track.found_ratio) == (3, 3, 1.0)


def test_without_a_frame_there_is_no_face() -> None:
    with pytest.raises(NoFaceFound):
        CroppedFace().tracks()


@pytest.mark.parametrize(("width", "height"), [(640, 360), (100, 200)])
def test_a_whole_picture_is_no_crop(width: int, height: int) -> None:
    with pytest.raises(ResolutionOutOfRange):
        CroppedFace().update(frame(width, height))
