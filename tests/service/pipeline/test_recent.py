import re
from pathlib import Path

import numpy as np
import pytest

from service.pipeline import recent
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.recent import RECENT_S, Recent
from service.pipeline.types import Box, TrackedFace

ROOT = Path(__file__).parents[3]
CROP = Box(100, 100, 260, 260)


def picture(level: int = 120) -> Frame:
    return frame_from_rgb(np.full((48, 64, 3), (level, level // 2, level // 3), np.uint8), 0.0)


def seen(*, moved: bool = False, away: bool = False, crop: Box = CROP) -> TrackedFace:
    return TrackedFace(0, crop, moved or away, away=away)


def watched(*faces: TrackedFace | None, fps: float = 30.0, face_rgb: float | None = 0.5, level: int = 120) -> Recent:
    """Return what is known after these faces, one a frame."""
    known = Recent(0.25)
    for index, face in enumerate(faces):
        known.note(index / fps, face)
    known.look(picture(level), face_rgb)
    return known


def codes(known: Recent) -> list[str]:
    return [warned.code for warned in known.warnings()]


def test_before_the_first_frame_nothing_is_known() -> None:
    known = Recent(0.25)
    assert known.face is None
    assert known.fps == 0


def test_a_good_picture_needs_no_warning() -> None:
    known = watched(*[seen()] * 90)
    assert codes(known) == []
    assert known.face == seen()
    assert known.fps == pytest.approx(30)


def test_what_is_long_past_is_forgotten() -> None:
    known = watched(*[seen(moved=True)] * 90, *[seen()] * round(RECENT_S * 30 + 2))
    assert codes(known) == []


@pytest.mark.parametrize(
    ("faces", "what", "code"),
    [
        ([None] * 60, {}, "no_face"),
        ([seen(away=True)] * 60, {}, "no_face"),
        ([None] * 60, {"level": 5}, "too_dark"),
        ([seen()] * 60, {"face_rgb": 0.1}, "too_dark"),
        ([seen()] * 60, {"face_rgb": 0.9}, "too_bright"),
        ([seen(crop=Box(0, 0, 60, 60))] * 60, {}, "face_small"),
        (([seen()] * 29 + [seen(moved=True)]) * 4, {}, "restless"),
        ([seen()] * 30 + [seen(away=True)] * 30 + [seen()] * 30, {}, "face_lost"),
        ([seen()] * 60, {"fps": 12.0}, "low_frame_rate"),
    ],
)
def test_what_is_wrong_is_told(faces: list[TrackedFace | None], what: dict[str, float], code: str) -> None:
    assert code in codes(watched(*faces, **what))  # type: ignore[arg-type]


def test_a_pause_is_told() -> None:
    known = watched(*[seen()] * 90)
    known.note(3.5, seen())
    assert codes(known) == ["frames_missing"]


def test_a_grey_picture_is_told() -> None:
    known = watched(*[seen()] * 60)
    known.look(frame_from_rgb(np.full((48, 64, 3), 120, np.uint8), 0.0), 0.5)
    assert known.grey
    assert codes(known) == ["no_colour"]


def test_every_warning_is_documented() -> None:
    told = re.findall(r'Warned\("(\w+)"', Path(recent.__file__).read_text())
    document = (ROOT / "docs" / "api-live.md").read_text()
    assert len(told) == 5
    assert all(f"`{code}`" in document for code in (*told, "frames_dropped", "restless", "face_lost", "face_small"))
