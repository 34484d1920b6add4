"""Batches of frames over HTTP, at the stand-in, whose answer's bpm is the number of frames."""

import json
from typing import Any

import httpx
import pytest

from tests.service.api.http import CHUNKED, FORM, Answer, exchange, form, head, part
from tests.service.server import Server

RAW = "application/octet-stream"
LAYOUT = {"X-Frame-Count": "90", "X-Frame-Height": "4", "X-Frame-Width": "2"}
PIXELS = bytes(90 * 4 * 2 * 3)
IMAGES = [b"image %d" % index for index in range(90)]


def send_raw(server: Server, body: bytes = PIXELS, /, *, query: str = "", **headers: str | None) -> httpx.Response:
    """Send raw frames; headers by their names, None leaves one out."""
    given = LAYOUT | {"X-Frame-Fps": "30", "Content-Type": RAW}
    given |= {f"X-Frame-{name.title()}": value or "" for name, value in headers.items()}
    given = {name: value for name, value in given.items() if value}
    with server.client() as client:
        response = client.post(f"/v1/heart-rate/frames{query}", content=body, headers=given)
    assert server.uploads() == []
    return response


def send_images(
    server: Server, images: list[bytes] = IMAGES, /, *, name: str = "images", **fields: str
) -> httpx.Response:
    files = [(name, (f"{index}.jpg", image)) for index, image in enumerate(images)]
    with server.client() as client:
        response = client.post("/v1/heart-rate/frames", files=files, data=fields)
    assert server.uploads() == []
    return response


def send(server: Server, body: bytes, **fields: Any) -> Answer:
    with server.connect() as sock:
        answer = exchange(sock, head(length=len(body), target="/frames", **fields) + body)
    assert server.uploads() == []
    return answer


def problem(response: httpx.Response) -> tuple[int, str]:
    assert len(response.content) < 600, "a small body"
    return response.status_code, response.json()["code"]


def times(count: int) -> str:
    return ",".join(f"{index / 30:.3f}" for index in range(count))


def test_raw_frames_are_answered(server: Server) -> None:
    response = send_raw(server)
    assert (response.status_code, response.json()["bpm"]) == (200, 90.0)
    assert list(response.json()["timing_ms"])[:2] == ["upload", "queue"]
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("name", ["images", "image"])
def test_images_are_answered(server: Server, name: str) -> None:
    response = send_images(server, name=name, fps="30")
    assert (response.status_code, response.json()["bpm"]) == (200, 90.0)


@pytest.mark.parametrize("text", [times(90), json.dumps([index / 30 for index in range(90)])])
def test_times_in_a_form_and_in_headers(server: Server, text: str) -> None:
    assert send_images(server, timestamps_s=text).json()["bpm"] == 90.0
    assert send_raw(server, fps=None, timestamps=text).json()["bpm"] == 90.0


def test_options_in_the_query(server: Server) -> None:
    assert send_raw(server, query="?cropped=true&model=pos&face=all&fps=25", fps=None).json()["bpm"] == 90.0
    assert problem(send_raw(server, query="?model=oracle!")) == (422, "validation_failed")


def test_the_times_of_a_whole_batch_fit_into_a_header(server: Server) -> None:
    text = ",".join(f"{index / 30:.6f}" for index in range(3600))
    answer = send_raw(server, bytes(3600 * 3), fps=None, count="3600", height="1", width="1", timestamps=text)
    assert answer.json()["bpm"] == 3600.0


@pytest.mark.parametrize("fps", ["NaN", "Infinity", "1e999", "-1", "0", "1e9", "x", "9" * 250, ""])
def test_rates_that_make_no_sense(server: Server, fps: str) -> None:
    assert problem(send_images(server, fps=fps)) == (422, "validation_failed")
    assert problem(send_raw(server, fps=fps or None)) == (422, "validation_failed")


@pytest.mark.parametrize("field", ["cropped", "model", "face"])
def test_options_that_make_no_sense(server: Server, field: str) -> None:
    response = send_images(server, fps="30", **{field: "Perhaps?"})
    assert problem(response) == (422, "validation_failed")
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "text",
    ["[NaN" + ",1" * 89 + "]", "[" * 4000, "[" + "9" * 4000 + "]", '{"a": 1, "a": 2}', "1e999" + ",1" * 89, "\x01\x02"],
    ids=["NaN", "nesting", "a long number", "keys", "too large", "control"],
)
def test_lists_that_make_no_sense(server: Server, text: str) -> None:
    response = send_images(server, timestamps_s=text)
    assert problem(response) == (422, "validation_failed")
    assert response.json()["errors"] == [
        {"field": "timestamps_s", "detail": "must be numbers (seconds) separated by commas"}
    ]


@pytest.mark.parametrize(("content", "status"), [(b"0,\xff\xfe", 422), (b"[" * 200_000, 400), (b"9" * 200_000, 400)])
def test_long_and_broken_lists(server: Server, content: bytes, status: int) -> None:
    answer = send(server, form(part("timestamps_s", content), part("images", b"x"), part("images", b"y")))
    assert (answer.status, len(answer.body) < 600) == (status, True)
    assert answer.problem() == {422: "validation_failed", 400: "multipart_invalid"}[status]


def test_a_list_that_comes_twice(server: Server) -> None:
    body = form(part("timestamps_s", b"0"), part("timestamps_s", b"0"), part("images", b"x"))
    assert send(server, body).problem() == "multipart_invalid"


def test_times_or_a_rate_and_not_both(server: Server) -> None:
    for fields in ({}, {"fps": "30", "timestamps_s": times(90)}):
        response = send_images(server, **fields)
        assert problem(response) == (422, "validation_failed")
        assert response.json()["errors"][0]["field"] == "timestamps_s"
    assert problem(send_raw(server, fps=None)) == (422, "validation_failed")


def test_one_time_for_each_frame(server: Server) -> None:
    assert problem(send_images(server, timestamps_s=times(89))) == (422, "frames_mismatch")
    assert problem(send_raw(server, fps=None, timestamps=times(91))) == (422, "frames_mismatch")


@pytest.mark.parametrize("size", [0, 1, len(PIXELS) - 1, len(PIXELS) + 1])
def test_a_raw_body_is_as_long_as_its_frames(server: Server, size: int) -> None:
    assert problem(send_raw(server, bytes(size))) == (422, "frames_mismatch")


@pytest.mark.parametrize("size", [len(PIXELS) - 1, len(PIXELS), len(PIXELS) + 100_000])
def test_and_so_is_one_that_does_not_say_how_long_it_is(server: Server, size: int) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (LAYOUT | {"X-Frame-Fps": "30"}).items())
    request = head(length=None, content_type=RAW, extra=CHUNKED + lines.encode(), target="/frames")
    with server.connect() as sock:
        answer = exchange(sock, request + b"%x\r\n%s\r\n0\r\n\r\n" % (size, bytes(size)))
    assert answer.status == (200 if size == len(PIXELS) else 422)
    assert server.uploads() == []


@pytest.mark.parametrize("name", ["count", "height", "width"])
@pytest.mark.parametrize("value", [None, "0", "-1", "1.5", "NaN", "9" * 5000])
def test_layouts_that_make_no_sense(server: Server, name: str, value: str | None) -> None:
    response = send_raw(server, **{name: value})  # type: ignore[arg-type]
    assert problem(response) == (422, "validation_failed")
    assert [error["field"] for error in response.json()["errors"]] == [f"X-Frame-{name.title()}"]


def test_too_many_frames_are_refused_before_they_are_sent(server: Server) -> None:
    assert problem(send_raw(server, b"", count="3601")) == (422, "too_many_frames")
    assert problem(send_raw(server, b"", height="2000", width="2000")) == (413, "upload_too_large")


def test_too_many_images(server: Server) -> None:
    many = form(*[part("images", b"x")] * 3601)
    assert (send(server, many).status, send(server, many).problem()) == (422, "too_many_frames")


def test_thousands_of_images_are_fine_and_thousands_of_fields_are_not(server: Server) -> None:
    answer = send(server, form(*[part("images", b"x")] * 3600, part("fps", b"30")))
    assert (answer.status, json.loads(answer.body)["bpm"]) == (200, 3600.0)
    fields = [part(f"f{index}", b"") for index in range(2000)]
    assert send(server, form(*fields, part("images", b"x"))).problem() == "multipart_invalid"


def test_an_image_has_a_limit(server: Server) -> None:
    assert problem(send_images(server, [bytes(500_001), b"x"], fps="30")) == (413, "image_too_large")
    assert problem(send_images(server, [bytes(400_000)] * 3, fps="30")) == (413, "upload_too_large")


def test_an_empty_image(server: Server) -> None:
    assert problem(send_images(server, [b"x", b"", b"y"], fps="30")) == (400, "empty_file")


def test_no_image(server: Server) -> None:
    assert send(server, form(part("fps", b"30"))).problem() == "images_missing"
    assert send(server, form(part("file", b"x"))).problem() == "images_missing"


def test_forms_that_break_off(server: Server) -> None:
    whole = form(*[part("images", image) for image in IMAGES], part("fps", b"30"))
    for body in (whole[:-4], whole[:2000], b"x" * 700_000 + whole):
        assert send(server, body).problem() == "multipart_invalid"


@pytest.mark.parametrize("kind", [None, "application/json", "image/jpeg", "video/mp4", "multipart/mixed; boundary=b"])
def test_other_bodies_are_not_taken(server: Server, kind: str | None) -> None:
    answer = send(server, b"{}", content_type=kind)
    assert (answer.status, answer.problem()) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", [FORM, RAW])
def test_compressed_bodies_are_not_taken(server: Server, content_type: str) -> None:
    answer = send(server, b"x", content_type=content_type, extra=b"Content-Encoding: gzip\r\n")
    assert (answer.status, answer.problem()) == (415, "unsupported_media_type")


def test_a_client_that_leaves_half_way_leaves_nothing(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=900_000, target="/frames") + part("images", bytes(300_000)))
    assert send_images(server, fps="30").status_code == 200
    assert server.uploads() == []


def test_nothing_of_the_images_is_logged(server: Server) -> None:
    send_images(server, [b"secret picture"] * 90, fps="30")
    send_raw(server, fps=None, timestamps="secret-times")
    assert "secret" not in server.log_text()
