"""HEAD over real connections, where a body that is sent all the same would be the next answer."""

import http.client
from pathlib import Path

import pytest

from service.keys import new_key
from tests.service.server import Server, running_server, wait_until

PLAIN = ("/", "/livez", "/readyz", "/version", "/docs", "/openapi.json", "/metrics", "/problems/no_face")
MOVING = ("content-length", "date", "x-request-id")  # metrics and load differ from one request to the next


@pytest.mark.parametrize("path", PLAIN)
def test_head_is_get_without_the_body(server: Server, path: str) -> None:
    with server.client() as client:
        asked, told = client.head(path), client.get(path)
    assert asked.status_code == told.status_code == 200
    assert asked.content == b""
    assert int(asked.headers["content-length"]) > 0
    assert {name: value for name, value in asked.headers.items() if name not in MOVING} == {
        name: value for name, value in told.headers.items() if name not in MOVING
    }


def test_nothing_of_a_body_lies_before_the_next_answer(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for path in PLAIN:
        for method in ("HEAD", "GET"):
            connection.request(method, path)
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, method == "GET")
    connection.close()


@pytest.mark.parametrize("path", ["/v1/heart-rate", "/v1/jobs", "/v1/jobs/1", "/v1/jobs/1/events", "/v1/models"])
def test_elsewhere_head_is_no_method(server: Server, path: str) -> None:
    with server.client() as client:
        answer = client.head(path)
    assert answer.status_code == 405
    assert "HEAD" not in answer.headers["allow"]


def test_other_methods_are_told_of_it(server: Server) -> None:
    with server.client() as client:
        assert client.post("/livez").headers["allow"] == "GET, HEAD"


def test_the_log_tells_the_method_and_the_route(server: Server) -> None:
    with server.client() as client:
        request_id = client.head("/problems/no_face").headers["x-request-id"]
    (line,) = wait_until(lambda: [line for line in server.log() if line.get("request_id") == request_id])
    assert (line["method"], line["route"]) == ("HEAD", "/problems/{code}")


def test_a_missing_page_is_missing_for_head_too(server: Server) -> None:
    with server.client() as client:
        assert [client.head(path).status_code for path in ("/web/no.js", "/problems/no", "/no")] == [404] * 3


def test_keys_are_asked_for_as_with_get(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys", "monitor")
    with (
        running_server(tmp_path, keys_file=tmp_path / "keys", wait_for_workers=False) as server,
        server.client() as client,
    ):
        from_elsewhere = {"X-Forwarded-For": "203.0.113.7"}
        for method in ("HEAD", "GET"):
            assert client.request(method, "/livez").status_code == 200
            assert client.request(method, "/no").status_code == 401
            assert client.request(method, "/metrics", headers=from_elsewhere).status_code == 401
            assert client.request(method, "/metrics", headers=from_elsewhere | {"X-Api-Key": key}).status_code == 200
