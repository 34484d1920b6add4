"""Each warning when it is due, none when all is well."""

import pytest

from service.pipeline.types import Box, FaceTrack
from service.pipeline.warn import face_warnings


def track(*, looks: int = 20, found: int = 20, side: float = 320.0, moves: int = 1) -> FaceTrack:
    return FaceTrack(0, tuple((float(i), Box(0, 0, side, side)) for i in range(moves)), looks, found)


def test_a_good_recording_gets_none() -> None:
    assert list(face_warnings(track(), 0.5)) == []


@pytest.mark.parametrize(
    ("given", "brightness", "code"),
    [
        (track(), 0.05, "too_dark"),
        (track(), 0.95, "too_bright"),
        (track(found=10), 0.5, "face_lost"),
        (track(side=80.0), 0.5, "face_small"),
        (track(moves=5), 0.5, "restless"),
    ],
)
def test_each_has_its_reason(given: FaceTrack, brightness: float, code: str) -> None:
    assert [warned.code for warned in face_warnings(given, brightness)] == [code]
