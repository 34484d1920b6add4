import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facepulse import (
    Client,
    HeartRateResult,
    NotFound,
    RequestRefused,
    Retries,
    ServiceBusy,
    ServiceFailed,
    TookTooLong,
    Unreachable,
)
from facepulse.client import TIMEOUT_S
from service.api.schemas import HeartRateResult as Schema
from service.settings import Settings
from tests.facepulse.scripted import Answer, busy, scripted
from tests.service.server import VIDEO, Server

VERSION = Answer(200, {"name": "facepulse", "version": "1.2.3"})
AT_ONCE = Retries(first_pause_s=0.0)


def test_it_has_more_patience_than_the_service() -> None:
    assert Settings().queue_wait_s + Settings().task_timeout_s < TIMEOUT_S


def test_a_video_is_measured(client: Client, tmp_path: Path) -> None:
    (tmp_path / "me.mp4").write_bytes(VIDEO)
    result = client.measure(tmp_path / "me.mp4")
    assert isinstance(result, HeartRateResult)
    assert (result.bpm, result.status, result.video.codec) == (72.0, "ok", "h264")
    assert (len(result.windows), len(result.bvp.values), result.faces) == (6, 450, None)


def test_nothing_of_the_answer_is_lost(client: Client, server: Server) -> None:
    told = Schema.model_validate_json(server.measure().content)
    result = client.measure(VIDEO)
    assert result.bvp.values == tuple(told.bvp.values)
    assert [window.confidence for window in result.windows] == [window.confidence for window in told.windows]
    assert result.face.boxes[1].x1 == told.face.boxes[1].x1
    assert (result.hrv_reason, result.warnings[0].code) == (told.hrv_reason, told.warnings[0].code)
    assert len(result.request_id) >= 16


def test_options_are_sent(client: Client) -> None:
    result = client.measure(io.BytesIO(VIDEO), model="pos", face="all", start_s=1, duration_s=5)
    assert result.faces is not None
    assert [face.bpm for face in result.faces] == [72.0, 80.0]


def test_an_error_is_typed(client: Client) -> None:
    with pytest.raises(RequestRefused) as refused:
        client.measure(b"no video")
    error = refused.value
    assert (error.code, error.status) == ("not_a_video", 415)
    assert error.request_id


def test_an_option_that_does_not_fit_is_named(client: Client) -> None:
    with pytest.raises(RequestRefused) as refused:
        client.measure(VIDEO, start_s=-1)
    assert set(refused.value.fields) == {"start_s"}


def test_a_file_that_is_not_there_is_the_callers_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.measure(tmp_path / "none.mp4")


def test_pictures_are_measured(client: Client) -> None:
    assert client.measure_frames([b"\xff\xd8one", b"\xff\xd8two"], fps=30).bpm == 2.0


def test_arrays_are_measured(client: Client) -> None:
    rgb = np.zeros((3, 64, 64, 3), np.uint8)
    assert client.measure_frames(rgb, timestamps_s=[0.0, 0.03, 0.07], cropped=True).bpm == 3.0


def test_models_are_listed(client: Client) -> None:
    names = [model.name for model in client.models()]
    assert names[0] == client.model("auto").name == "student"
    assert client.model("pos").kind == "classical"


def test_an_unknown_model_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.model("../version")


def test_the_version_is_told(client: Client, server: Server) -> None:
    with server.client() as http:
        assert client.version() == http.get("/version").json()["version"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_full_service_is_asked_again(status: int) -> None:
    with scripted(busy(status=status), busy(status=status), VERSION) as service, Client(service.url) as client:
        assert client.version() == "1.2.3"
        assert len(service.asked) == 3


def test_a_broken_connection_is_tried_again() -> None:
    with scripted(Answer(0), VERSION) as service, Client(service.url, retries=AT_ONCE) as client:
        assert client.version() == "1.2.3"


def test_the_whole_body_is_sent_again() -> None:
    problem = Answer(422, {"code": "no_face", "detail": "", "request_id": ""})
    with scripted(busy(), problem) as service, Client(service.url) as client:
        with pytest.raises(RequestRefused):
            client.measure(io.BytesIO(VIDEO))
        assert all(VIDEO in body for *_, body in service.asked)
        assert len(service.asked) == 2


class Pipe(io.BytesIO):
    """What can be read once only."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")


@pytest.mark.parametrize("call", [Client.measure, Client.submit])
def test_the_whole_of_what_cannot_seek_is_sent_again(call: Callable[[Client, Pipe], object]) -> None:
    problem = Answer(422, {"code": "no_face", "detail": "", "request_id": ""})
    with scripted(busy(), problem) as service, Client(service.url) as client:
        with pytest.raises(RequestRefused):
            call(client, Pipe(VIDEO))
        assert [VIDEO in body for *_, body in service.asked] == [True, True]


def test_a_service_that_stays_full_is_an_error() -> None:
    with scripted(busy()) as service, Client(service.url, retries=Retries(attempts=3)) as client:
        with pytest.raises(ServiceBusy) as error:
            client.version()
        assert len(service.asked) == 3
        assert error.value.retry_after_s == 0.0


def test_a_long_wait_is_the_callers_choice() -> None:
    with scripted(busy(retry_after="3600")) as service, Client(service.url) as client:
        with pytest.raises(ServiceBusy) as error:
            client.version()
        assert len(service.asked) == 1
        assert error.value.retry_after_s == 3600.0


def test_other_errors_are_not_tried_again() -> None:
    broken = Answer(500, {"code": "internal_error", "detail": "", "request_id": "ab"})
    with scripted(broken) as service, Client(service.url, retries=AT_ONCE) as client:
        with pytest.raises(ServiceFailed):
            client.version()
        assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"version": null}', b"null"])
def test_somebody_else_is_found_out(body: bytes) -> None:
    with scripted(Answer(200, body)) as service, Client(service.url) as client:
        with pytest.raises(ServiceFailed) as error:
            client.model("student")
        assert error.value.code == "unexpected_answer"


def test_silence_is_an_error() -> None:
    once, short = Retries(attempts=1), Answer(200, b"", {"Content-Length": "5"})
    with (
        scripted(short) as service,
        Client(service.url, timeout_s=0.3, retries=once) as client,
        pytest.raises((TookTooLong, Unreachable)),
    ):
        client.version()


def test_nobody_there_is_unreachable() -> None:
    with scripted(VERSION) as service:
        url = service.url
    with Client(url, retries=AT_ONCE) as client, pytest.raises(Unreachable):
        client.version()


def test_the_key_is_sent() -> None:
    with scripted(VERSION) as service, Client(service.url, api_key="fp_secret") as client:
        client.version()
        assert service.asked[0][2]["authorization"] == "Bearer fp_secret"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://host", "http://"])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url)
