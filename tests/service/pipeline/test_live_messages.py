"""Live messages: what comes out as JSON, and what is refused by which name."""

import json
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from service.pipeline.errors import (
    FacePulseError,
    FrameRateOutOfRange,
    FramesMismatch,
    ImageMalformed,
    NoColour,
    NotAnImage,
    ResolutionChanged,
    ResolutionOutOfRange,
    TimestampsInvalid,
    UnknownModel,
    VideoTooLong,
)
from service.pipeline.estimate import Estimator
from service.pipeline.live_messages import LiveMessages
from service.pipeline.types import Box, DecodeLimits
from tests.service.pipeline.live_clips import Rgb, face_messages, jpeg, message, wall

STORE = Path(__file__).parents[3] / "model_store"
LIMITS = DecodeLimits(max_width=1280, max_height=1280, max_duration_s=60)
WALL = jpeg(np.full((120, 160, 3), (150, 120, 90), np.uint8))


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator(STORE)


@pytest.fixture
def live(estimator: Estimator) -> LiveMessages:
    return estimator.live(limits=LIMITS)


def said(live: LiveMessages, *messages: bytes) -> list[dict[str, Any]]:
    return [json.loads(update) for each in messages if (update := live.push(each)) is not None]


def test_an_update_is_small_json_with_names_and_units(live: LiveMessages, estimator: Estimator) -> None:
    raw = [update for each in face_messages()[:190] if (update := live.push(each))]
    update = json.loads(raw[-1])
    assert len(raw[-1]) < 3000
    assert update["time_s"] == pytest.approx(6, abs=0.05)
    assert update["bvp"]["fps"] == update["samples"]["fps"] == 30
    assert len(update["samples"]["values"]) == 30
    assert set(update["face"]["box"]) == {"x0", "y0", "x1", "y1"}
    assert update["model"]["name"] == estimator.default
    assert set(update["timing_ms"]) == {"decode", "face", "clip", "infer", "pulse"}


def test_pictures_measure_as_their_jpegs_do(estimator: Estimator) -> None:
    frames = [(body[:8], body[8:]) for body in face_messages()]
    jpegs, pictures = estimator.live(model="student"), estimator.live(model="student")
    by_jpeg = [jpegs.push(stamp + picture) for stamp, picture in frames]
    by_picture = [pictures.push_picture(struct.unpack(">d", stamp)[0], rgb(picture)) for stamp, picture in frames]
    last, same = (json.loads([told for told in all_told if told][-1]) for all_told in (by_jpeg, by_picture))
    assert [told is None for told in by_jpeg] == [told is None for told in by_picture]
    assert same["bpm"] == pytest.approx(last["bpm"], abs=0.5)
    assert same["confidence"] == pytest.approx(last["confidence"], abs=0.05)
    assert same["face"]["box"] == pytest.approx(last["face"]["box"], abs=6)


@pytest.mark.parametrize(
    ("shape", "error"),
    [((480, 640), NoColour), ((480, 640, 4), NoColour), ((8, 8, 3), ResolutionOutOfRange),
     ((120, 2000, 3), ResolutionOutOfRange)],
)  # fmt: skip
def test_a_camera_s_picture_that_cannot_be_used(
    live: LiveMessages, shape: tuple[int, ...], error: type[FacePulseError]
) -> None:
    with pytest.raises(error):
        live.push_picture(0.0, np.zeros(shape, np.uint8))


def test_a_camera_s_pictures_are_of_one_size(live: LiveMessages) -> None:
    live.push_picture(0.0, np.zeros((120, 160, 3), np.uint8))
    with pytest.raises(ResolutionChanged):
        live.push_picture(0.1, np.zeros((160, 120, 3), np.uint8))


def rgb(picture: bytes) -> Rgb:
    """Decode a JPEG, as a camera at hand gives its pictures."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return np.asarray(decoder.decode(av.Packet(picture))[0].to_ndarray(format="rgb24"), np.uint8)


def test_nothing_known_is_null(live: LiveMessages) -> None:
    update = said(live, *wall(1.1))[-1]
    assert update["status"] == "no_face"
    assert update["bpm"] is update["snr_db"] is update["face"] is update["spectrum"] is None
    assert update["warnings"][0]["code"] == "no_face"


def test_samples_keep_every_bit(live: LiveMessages) -> None:
    values = said(live, *face_messages()[:62])[-1]["samples"]["values"]
    assert all(value is not None for value in values)
    assert [float(f"{np.float32(value):.9g}") for value in values] == values


def test_an_empty_message_asks_for_the_last_update_at_once(live: LiveMessages) -> None:
    assert live.push(b"") == b"null"
    last = said(live, message(0, WALL), message(0.1, WALL), b"")[-1]
    assert last["frames"] == 2
    assert last["final"]


def test_a_frame_of_the_same_time_is_left_out(live: LiveMessages) -> None:
    assert said(live, message(5, WALL), message(5, WALL), message(5.04, WALL), b"")[-1]["frames"] == 2


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([b"\0" * 8], FramesMismatch),
        ([b"abc"], FramesMismatch),
        ([message(0, b"garbage" * 100)], NotAnImage),
        ([message(0, WALL[:200])], ImageMalformed),
        ([message(float("nan"), WALL)], TimestampsInvalid),
        ([message(float("inf"), WALL)], TimestampsInvalid),
        ([message(2, WALL), message(1.9, WALL)], TimestampsInvalid),
        ([message(0, WALL), message(61, WALL)], VideoTooLong),
        ([message(0, WALL), message(1e300, WALL)], VideoTooLong),
        ([message(0, WALL), message(0.1, jpeg(np.zeros((120, 176, 3), np.uint8)))], ResolutionChanged),
        ([message(0, jpeg(np.zeros((120, 1296, 3), np.uint8)))], ResolutionOutOfRange),
        ([message(index / 1000, WALL) for index in range(400)], FrameRateOutOfRange),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    live: LiveMessages, messages: list[bytes], error: type[FacePulseError]
) -> None:
    with pytest.raises(error):
        said(live, *messages)


def test_a_bomb_is_refused_by_its_header(live: LiveMessages) -> None:
    at = WALL.index(b"\xff\xc0")
    bomb = WALL[: at + 5] + struct.pack(">HH", 60000, 60000) + WALL[at + 9 :]
    with pytest.raises(ResolutionOutOfRange):
        live.push(message(0, bomb))


def test_a_given_box_needs_no_detector(estimator: Estimator) -> None:
    live = estimator.live(face_box=Box(105, 45, 205, 160), limits=LIMITS)
    update = said(live, *face_messages()[:215])[-1]
    assert update["bpm"] == pytest.approx(78, abs=4)
    assert update["timing_ms"]["face"] < update["timing_ms"]["clip"]


@pytest.mark.parametrize(
    "box", [(-1, 0, 50, 50), (0, 0, 5, 50), (50, 0, 0, 50), (0, 0, 1e9, 50), (float("nan"), 0, 50, 50)]
)
def test_a_box_that_cannot_be_is_refused(estimator: Estimator, box: tuple[float, float, float, float]) -> None:
    with pytest.raises(FramesMismatch):
        estimator.live(face_box=Box(*box), limits=LIMITS)


def test_an_unknown_model_is_refused(estimator: Estimator) -> None:
    with pytest.raises(UnknownModel):
        estimator.live(model="oracle")
