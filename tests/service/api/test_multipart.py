"""Forms, good and bad, as bytes on a socket to the real service."""

import json
import zipfile
from io import BytesIO

import pytest

from service.api.multipart import MAX_FIELDS
from tests.service.api.http import BOUNDARY, CHUNKED, FORM, GOOD_FORM, Answer, exchange, form, head, part
from tests.service.server import VIDEO, Server


def send(server: Server, body: bytes, **fields: str | bytes | None) -> Answer:
    with server.connect() as sock:
        answer = exchange(sock, head(length=len(body), **fields) + body)  # type: ignore[arg-type]
    assert server.uploads() == []
    return answer


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("me.mp4", VIDEO)
    return file.getvalue()


def test_a_good_form(server: Server) -> None:
    answer = send(server, GOOD_FORM)
    assert (answer.status, json.loads(answer.body)["bpm"]) == (200, 72.0)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_file"),
        (b"V", 415, "not_a_video"),
        (bytes(range(256)) * 3900, 415, "not_a_video"),
        (b"<!doctype html>", 415, "not_a_video"),
        (zipped(), 415, "not_a_video"),
        (b"\x7fELF" + bytes(1000), 415, "not_a_video"),
    ],
    ids=["zero bytes", "one byte", "1 MB of anything", "HTML", "ZIP", "ELF"],
)
def test_content_decides(server: Server, content: bytes, status: int, code: str) -> None:
    answer = send(server, form(part("file", content, extra=b"Content-Type: video/mp4\r\n")))
    assert (answer.status, answer.problem()) == (status, code)


@pytest.mark.parametrize("kind", [b"text/plain", b"application/x-evil", b"image/jpeg; a=b"])
def test_the_type_of_a_part_is_ignored(server: Server, kind: bytes) -> None:
    assert send(server, form(part("file", VIDEO, extra=b"Content-Type: " + kind + b"\r\n"))).status == 200


@pytest.mark.parametrize(
    "name",
    ["../../x", "a\x00b", "x" * 3900, "http://x/", "concat:a|b", "%d.png", "-i-am-an-option", "C:\\x\\y"],
)
def test_file_names_are_ignored(server: Server, name: str) -> None:
    body = form(part("file", VIDEO, disposition=f'form-data; name="file"; filename="{name}"'))
    answer = send(server, body)
    assert answer.status == 200
    assert name not in server.log_text()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (form(), "file_missing"),
        (form(part("other", b"x")), "file_missing"),
        (form(part("video", VIDEO, disposition='form-data; name="video"; filename="me.mp4"')), "file_missing"),
        (form(part("file", VIDEO), part("file", VIDEO)), "too_many_files"),
    ],
    ids=["nothing", "no file", "a file of another name", "two files"],
)
def test_one_file_is_wanted(server: Server, body: bytes, code: str) -> None:
    answer = send(server, body)
    assert (answer.status, answer.problem()) == (422, code)


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 71,
     "multipart/form-data; boundary=wrong"],
)  # fmt: skip
def test_a_missing_or_wrong_boundary(server: Server, content_type: str) -> None:
    answer = send(server, GOOD_FORM, content_type=content_type)
    assert (answer.status, answer.problem()) == (400, "multipart_invalid")


@pytest.mark.parametrize(
    "body",
    [
        GOOD_FORM[:-4],
        GOOD_FORM[:400],
        b"x" * 900_000 + GOOD_FORM,
        form(*[part(f"f{i}", b"") for i in range(2000)], part("file", VIDEO)),
        form(part("file", VIDEO, extra=b"X: " + b"y" * 900_000 + b"\r\n")),
        form(part("file", VIDEO, extra=b"X: y\r\n" * 50)),
        form(part("file", VIDEO), part("note", b"z" * 1000)),
        form(part("model", b"auto"), part("model", b"pos"), part("file", VIDEO)),
        form(part("file", VIDEO, disposition="form-data")),
        form(part("file", VIDEO, disposition='attachment; name="file"')),
        b"--%s\r\nContent-Dis\x00position: x\r\n\r\n" % BOUNDARY,
    ],
    ids=["no end", "cut", "preamble", "2000 parts", "long header", "many headers", "long field", "field twice",
         "no name", "no form", "NUL in header"],
)  # fmt: skip
def test_malformed_bodies(server: Server, body: bytes) -> None:
    answer = send(server, body)
    assert (answer.status, answer.problem()) == (400, "multipart_invalid")


def test_fields_that_nobody_knows_are_ignored(server: Server) -> None:
    parts = [part(f"f{index}", b"x") for index in range(MAX_FIELDS)]
    assert send(server, form(*parts, part("file", VIDEO))).status == 200


@pytest.mark.parametrize("kind", [None, "application/json", "video/mp4", "application/x-www-form-urlencoded", "?"])
def test_other_bodies_are_not_taken(server: Server, kind: str | None) -> None:
    answer = send(server, GOOD_FORM, content_type=kind)
    assert (answer.status, answer.problem()) == (415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate, gzip"])
def test_compressed_bodies_are_not_taken(server: Server, encoding: bytes) -> None:
    answer = send(server, GOOD_FORM, extra=b"Content-Encoding: " + encoding + b"\r\n")
    assert (answer.status, answer.problem()) == (415, "unsupported_media_type")


def test_too_large_is_said_from_the_header_alone(server: Server) -> None:
    with server.connect() as sock:
        answer = exchange(sock, head(length=2_000_000))
    assert (answer.status, answer.problem()) == (413, "upload_too_large")


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [7, 1000, 100_000])
def test_chunked_bodies_are_taken(server: Server, size: int) -> None:
    with server.connect() as sock:
        assert exchange(sock, head(length=None, extra=CHUNKED) + chunked(GOOD_FORM, size)).status == 200


def test_too_large_is_said_as_soon_as_it_is(server: Server) -> None:
    body = chunked(part("file", bytes(1_100_000)), 50_000)[:-5]
    with server.connect() as sock:
        answer = exchange(sock, head(length=None, extra=CHUNKED) + body)
    assert (answer.status, answer.problem()) == (413, "upload_too_large")
    assert answer.headers["connection"] == "close"
    assert server.uploads() == []


def test_expect_continue(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=len(GOOD_FORM), extra=b"Expect: 100-continue\r\n"))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        assert exchange(sock, GOOD_FORM).status == 200


def test_expect_continue_is_not_answered_for_what_is_refused(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(head(length=9_000_000, content_type=FORM, extra=b"Expect: 100-continue\r\n"))
        assert sock.recv(100).startswith(b"HTTP/1.1 413 ")
