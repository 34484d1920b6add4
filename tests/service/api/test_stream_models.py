"""WS /v1/stream with the released models: what a session says of what it sees."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.wire import DEFAULT_ESTIMATOR
from tests.service.api.live_sessions import hear, hear_out, problem, session
from tests.service.pipeline.live_clips import face_messages, message, wall
from tests.service.server import Server, running_server

STORE = Path(__file__).parents[3] / "model_store"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker with the released models."""
    folder = tmp_path_factory.mktemp("models")
    with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=STORE, workers=1) as server:
        yield server


def test_a_rendered_face_gets_its_rate(models: Server) -> None:
    bodies = face_messages()  # drawn before, as a session waits only so long
    with session(models, start={"model": "auto"}) as client:
        for body in bodies:
            client.send(body)
            time.sleep(1 / 45)
        client.send('{"type": "stop"}')
        updates = [said for said in hear_out(client)[0] if said["type"] == "update"]
    assert updates[-1]["bpm"] == pytest.approx(78, abs=3)
    assert updates[-1]["confidence"] >= 0.5
    assert updates[-1]["received"] == updates[-1]["frames"] + updates[-1]["dropped"]
    assert updates[-1]["face"]["box"]["x1"] > updates[-1]["face"]["box"]["x0"]


def test_a_wall_has_no_face(models: Server) -> None:
    with session(models, start={}) as client:
        for body in wall(3, fps=10):
            client.send(body)
            time.sleep(0.02)
        update = hear(client)
    assert (update["status"], update["bpm"]) == ("no_face", None)
    assert update["warnings"][0]["code"] == "no_face"


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ([message(0, b"garbage" * 50)], "not_an_image"),
        ([b"short"], "frames_mismatch"),
        ([*wall(0.1), *wall(0.1)], "timestamps_invalid"),
        ([message(0, b"\xff\xd8\xff\xc0\x00\x11\x08\xea\x60\xea\x60" + bytes(50))], "resolution_out_of_range"),
    ],
)
def test_what_cannot_be_measured_is_named(models: Server, bodies: list[bytes], code: str) -> None:
    with session(models, start={}) as client:
        for body in bodies:
            client.send(body)
        assert problem(client) == (code, 1008)
