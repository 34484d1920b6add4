"""What happens inside a worker with a task."""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from service import wire
from service.api.schemas import HeartRateResult
from service.pipeline.types import DecodeLimits
from service.worker_tasks import answer, limits_of, open_estimator, pack, seldom
from tests.service.server import VIDEO
from tests.service.standin import SPEC, StandIn


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video"
    path.write_bytes(VIDEO)
    return path


def answered(video: Path, model: str = "auto", face: str = "largest") -> wire.Frame:
    task = wire.VideoTask(str(video), model=model, face=face)
    return answer(StandIn(video.parent), task, DecodeLimits(), lambda _share: None)


def refusal(frame: wire.Frame) -> wire.Refusal:
    return TypeAdapter(wire.Refusal).validate_json(frame.body)


def test_an_estimate_becomes_a_result(video: Path) -> None:
    frame = answered(video)
    assert frame.kind == wire.RESULT
    assert HeartRateResult.model_validate_json(frame.body).bpm == 72.0


def test_all_faces_on_request(video: Path) -> None:
    faces = HeartRateResult.model_validate_json(answered(video, face="all").body).faces
    assert [face.bpm for face in faces or ()] == [72.0, 80.0]


def test_a_named_error_keeps_the_worker(video: Path) -> None:
    frame = answered(video, "no_face")
    assert (frame.kind, refusal(frame).code) == (wire.REFUSED, "no_face")


def test_an_unexpected_error_ends_it_and_tells_no_message(video: Path) -> None:
    frame = answered(video, "raise")
    assert (frame.kind, refusal(frame).code) == (wire.BROKEN, "internal_error")
    assert "secret" not in frame.body.decode()
    assert "KeyError at standin.py" in refusal(frame).where


def test_numbers_that_are_none_never_leave(video: Path) -> None:
    assert answered(video, "nan").kind == wire.BROKEN


def test_the_seam_is_a_dotted_name(tmp_path: Path) -> None:
    config = wire.WorkerConfig(str(tmp_path), DecodeLimits(), os.getpid(), estimator=SPEC)
    assert isinstance(open_estimator(config), StandIn)


def test_a_batch_of_frames_becomes_a_result(tmp_path: Path) -> None:
    (tmp_path / "frames").write_bytes(b"two images")
    task = wire.FramesTask(str(tmp_path / "frames"), "images", (0.0, 0.1), offsets=(0, 3, 10))
    frame = answer(StandIn(tmp_path), task, DecodeLimits(), lambda _progress: None)
    assert HeartRateResult.model_validate_json(frame.body).bpm == 2.0


def test_a_long_videos_task_brings_its_own_limit(tmp_path: Path) -> None:
    assert limits_of(wire.VideoTask("x"), DecodeLimits()) == DecodeLimits()
    assert limits_of(wire.VideoTask("x", max_duration_s=7200), DecodeLimits()).max_duration_s == 7200
    assert limits_of(wire.FramesTask("x", "images", ()), DecodeLimits()) == DecodeLimits()


def test_an_answer_too_large_to_send_is_a_refusal() -> None:
    packed = pack(wire.Frame(wire.RESULT, bytes(wire.MAX_BODY_BYTES + 1)))
    assert packed[:1] == wire.REFUSED
    assert b"answer_too_large" in packed


def test_progress_is_sent_seldom() -> None:
    told: list[wire.Progress] = []
    send = seldom(told.append)
    for _ in range(100):
        send(wire.Progress(0.5))
    assert told == []
