"""Who may enter: keys over HTTP, the addresses without one, and a service that strangers could reach."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from service.api.auth import is_loopback, is_open, open_ring
from service.keys import KeysUnusable, new_key
from service.settings import Settings
from tests.service.api.sockets import refusal
from tests.service.server import ROOT, VIDEO, Server, running_server, wait_until

FILES = {"file": ("me.mp4", VIDEO)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    new_key(folder / "keys", "other")
    return new_key(folder / "keys", "lab")


@pytest.fixture(scope="module")
def guarded(folder: Path, key: str) -> Iterator[Server]:
    assert key
    with running_server(folder, keys_file=folder / "keys") as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    with server.client() as client:
        return client.request(method, path, headers=headers)


@pytest.mark.parametrize("how", ["Bearer {}", "bearer  {}", "BEARER {}"])
def test_a_key_as_authorization(guarded: Server, key: str, how: str) -> None:
    assert ask(guarded, "/v1/models", Authorization=how.format(key)).status_code == 200


def test_a_key_as_a_header_of_its_own(guarded: Server, key: str) -> None:
    with guarded.client() as client:
        measured = client.post("/v1/heart-rate", files=FILES, headers={"X-Api-Key": key})
    assert measured.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer fp_x"}, {"X-Api-Key": "fp_x"}, {"X-Api-Key": ""}])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/heart-rate"), ("GET", "/nowhere")])
def test_without_a_good_key_all_addresses_answer_the_same(
    guarded: Server, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = ask(guarded, path, method, **headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="facepulse"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"] == "Send a valid API key: `Authorization: Bearer <key>`."


@pytest.mark.parametrize("scheme", ["Basic {}", "{}", "Bearer"])
def test_other_schemes_do_not_count(guarded: Server, key: str, scheme: str) -> None:
    assert ask(guarded, "/v1/models", Authorization=scheme.format(key)).status_code == 401


def test_a_key_in_the_address_does_not_count(guarded: Server, key: str) -> None:
    assert ask(guarded, f"/v1/models?key={key}&api_key={key}").status_code == 401


def test_an_upload_without_a_key_is_not_received(guarded: Server) -> None:
    assert guarded.measure().status_code == 401
    assert guarded.uploads() == []


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/version", "/docs", "/openapi.json", "/problems/no_face", "/", "/metrics"]
)
def test_what_needs_no_key(guarded: Server, path: str) -> None:
    assert ask(guarded, path).status_code == 200


@pytest.mark.parametrize("path", ["/web/../v1/models", "/problems/../v1/models", "//v1/models", "/%2fv1/models"])
def test_no_way_around(guarded: Server, path: str) -> None:
    with guarded.connect() as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = sock.makefile("rb").read()
    assert answer.split()[1] in (b"401", b"404")
    assert b"student" not in answer


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_metrics_ask_a_proxy_for_a_key(guarded: Server, key: str, header: str) -> None:
    assert ask(guarded, "/metrics", **{header: "x"}).status_code == 401
    assert ask(guarded, "/metrics", **{header: "x", "X-Api-Key": key}).status_code == 200


def test_the_log_names_the_key_and_never_shows_it(guarded: Server, key: str) -> None:
    identity = ask(guarded, "/v1/models", **{"X-Api-Key": key}).headers["x-request-id"]
    line = wait_until(lambda: [line for line in guarded.log() if line.get("request_id") == identity])[0]
    assert line["key"] == "lab"
    assert key not in guarded.log_text()


def test_a_websocket_without_a_key_is_refused_and_no_error_of_ours(guarded: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{guarded.port}/v1/stream?name=grandmother", proxy=None)
    status, body, _ = refusal(refused.value)
    assert (status, json.loads(body)["code"]) == (401, "unauthorized")
    lines = wait_until(lambda: [line for line in guarded.log() if line.get("method") == "WS"])
    assert [(line["status"], line["route"]) for line in lines] == [(401, "unmatched")]
    assert not [line for line in guarded.log() if line["level"] == "ERROR"]
    assert "grandmother" not in guarded.log_text()


def test_a_websocket_takes_a_key_as_a_subprotocol(guarded: Server, key: str) -> None:
    offered = [Subprotocol("facepulse.v1"), Subprotocol(f"facepulse.key.{key}")]
    with connect(f"ws://127.0.0.1:{guarded.port}/v1/stream", subprotocols=offered, proxy=None) as websocket:
        assert websocket.subprotocol == "facepulse.v1"
        websocket.send('{"type": "start"}')
        assert json.loads(websocket.recv())["type"] == "started"
    assert key not in guarded.log_text()


def test_a_key_that_is_taken_away_is_good_no_longer(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    old, new = new_key(file, "old"), new_key(file, "new")
    with running_server(tmp_path, keys_file=file, wait_for_workers=False) as server:
        assert ask(server, "/v1/models", **{"X-Api-Key": old}).status_code != 401
        file.write_text(file.read_text().splitlines()[1])
        wait_until(lambda: ask(server, "/v1/models", **{"X-Api-Key": old}).status_code == 401)
        assert ask(server, "/v1/models", **{"X-Api-Key": new}).status_code != 401


def test_without_a_key_file_everybody_on_this_machine_may_enter(server: Server) -> None:
    assert ask(server, "/v1/models").status_code == 200


def scope(path: str, client: tuple[str, int] | None = ("203.0.113.7", 1)) -> dict[str, object]:
    return {"type": "http", "path": path, "headers": [], "client": client}


@pytest.mark.parametrize("path", ["/v1/models", "/docs/", "/livez/x", "/web", "/LIVEZ", "", "/metrics"])
def test_these_are_not_open_to_strangers(path: str) -> None:
    assert not is_open(scope(path))


def test_metrics_do_not_take_an_unknown_caller_for_a_local_one() -> None:
    assert is_open(scope("/metrics", ("::1", 1)))
    assert not is_open(scope("/metrics", None))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not open_ring(Settings(host=host)).required


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "facepulse.example", ""])
def test_the_network_is_served_only_with_keys_or_when_wanted(host: str, tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="FACEPULSE_ALLOW_OPEN=true"):
        open_ring(Settings(host=host))
    assert not open_ring(Settings(host=host, allow_open=True)).required
    new_key(tmp_path / "keys", "lab")
    assert open_ring(Settings(host=host, keys_file=tmp_path / "keys")).required


@pytest.mark.parametrize("module", ["service.main", "service.cli serve"])
def test_it_refuses_to_start_open_with_a_sentence(module: str) -> None:
    command = [sys.executable, "-m", *module.split()]
    environment = {"PYTHONPATH": str(ROOT), "FACEPULSE_HOST": "0.0.0.0", "FACEPULSE_PORT": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("without API keys the service would be open to everybody who reaches 0.0.0.0")
    assert "Traceback" not in done.stderr


def test_it_refuses_to_start_with_a_key_file_that_is_none(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT), "FACEPULSE_KEYS_FILE": str(tmp_path / "absent")}
    command = [sys.executable, "-m", "service.main"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (2, "the key file cannot be read: No such file or directory\n")
