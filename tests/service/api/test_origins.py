"""Which web pages may call; WebSockets are tested in test_exchanges.py."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.keys import new_key
from tests.service.server import Server, running_server

FRIEND, STRANGER = "https://friend.example:8443", "https://stranger.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-request-id"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("origins")


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return new_key(folder / "keys", "page")


@pytest.fixture(scope="module")
def friendly(folder: Path, key: str) -> Iterator[Server]:
    assert key
    origins = f"{FRIEND}, http://localhost:5173"
    with running_server(folder, keys_file=folder / "keys", cors_origins=origins) as server:
        yield server


def ask(server: Server, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    with server.client() as client:
        return client.request(method, path, headers=headers)


def test_a_named_page_may_ask_before_it_has_shown_a_key(friendly: Server) -> None:
    answer = ask(friendly, "OPTIONS", "/v1/heart-rate", {"Origin": FRIEND, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_named_page_may_read_answers_and_errors(friendly: Server, key: str) -> None:
    for headers, status in (({"X-Api-Key": key}, 200), ({}, 401)):
        answer = ask(friendly, "GET", "/v1/models", {"Origin": FRIEND, **headers})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert "Origin" in answer.headers["vary"]
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [STRANGER, "https://friend.example", "null", f"{FRIEND}.evil.example", "*"])
def test_other_pages_may_not(friendly: Server, key: str, origin: str) -> None:
    asked = ask(friendly, "OPTIONS", "/v1/heart-rate", {"Origin": origin, **PREFLIGHT})
    assert (asked.status_code, asked.json()["code"]) == (403, "origin_not_allowed")
    assert asked.headers["content-type"] == "application/problem+json"
    assert asked.json()["request_id"] == asked.headers["x-request-id"]
    read = ask(friendly, "GET", "/v1/models", {"Origin": origin, "X-Api-Key": key})
    for answer in (asked, read):
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "wish", [{"Access-Control-Request-Method": "PUT"}, {"Access-Control-Request-Headers": "x-forwarded-for"}]
)
def test_a_named_page_may_not_do_everything(friendly: Server, wish: dict[str, str]) -> None:
    asked = ask(friendly, "OPTIONS", "/v1/heart-rate", {"Origin": FRIEND, **PREFLIGHT, **wish})
    assert asked.status_code == 403


def test_programs_without_an_origin_are_not_concerned(friendly: Server, key: str) -> None:
    answer = ask(friendly, "GET", "/v1/models", {"X-Api-Key": key})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_page_may(server: Server) -> None:
    asked = ask(server, "OPTIONS", "/v1/heart-rate", {"Origin": FRIEND, **PREFLIGHT})
    assert (asked.status_code, asked.json()["code"]) == (405, "method_not_allowed")
    read = ask(server, "GET", "/v1/models", {"Origin": FRIEND})
    assert not [name for name in (*asked.headers, *read.headers) if name.startswith("access-control")]
