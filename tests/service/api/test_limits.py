"""How many requests one caller may send."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.api import limits
from service.api.limits import RateGuard, RateLimiter
from service.keys import new_key
from tests.service.server import Server, running_server


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def limiter(clock: Clock, per_minute: int = 60, burst: int = 3) -> RateLimiter:
    return RateLimiter(per_minute, burst, clock=clock)


def test_a_burst_and_then_no_more() -> None:
    bucket = limiter(Clock())
    assert [bucket.take("a").allowed for _ in range(5)] == [True] * 3 + [False] * 2


def test_tokens_left_are_told() -> None:
    bucket = limiter(Clock())
    assert [bucket.take("a").remaining for _ in range(4)] == [2, 1, 0, 0]


def test_it_fills_again_at_its_rate() -> None:
    clock = Clock()
    bucket = limiter(clock, per_minute=120)
    while bucket.take("a").allowed:
        pass
    clock.now_s += 0.4
    refused = bucket.take("a")
    assert not refused.allowed
    assert refused.next_s == pytest.approx(0.1)
    clock.now_s += 0.1
    assert bucket.take("a").allowed
    assert not bucket.take("a").allowed


def test_it_never_holds_more_than_the_burst() -> None:
    clock = Clock()
    bucket = limiter(clock)
    bucket.take("a")
    clock.now_s += 1e6
    first = bucket.take("a")
    assert (first.remaining, first.full_s) == (2, 1.0)


def test_over_time_no_more_than_the_rate_gets_through() -> None:
    clock = Clock()
    bucket = limiter(clock, per_minute=60, burst=3)
    allowed = 0
    for _ in range(1000):
        clock.now_s += 0.1
        allowed += bucket.take("a").allowed
    assert 100 <= allowed <= 103


def test_callers_do_not_share() -> None:
    bucket = limiter(Clock(), burst=1)
    assert bucket.take("a").allowed
    assert bucket.take("b").allowed
    assert not bucket.take("a").allowed


def test_memory_is_bounded_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_CALLERS", 100)
    bucket = limiter(Clock(), burst=1)
    bucket.take("first")
    for number in range(1000):
        bucket.take(f"caller {number}")
        bucket.take("busy")
    assert len(bucket) == 100
    assert not bucket.take("busy").allowed
    assert bucket.take("first").allowed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limited")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    return {name: new_key(folder / "keys", name) for name in ("lab", "ward", "hall", "door")}


@pytest.fixture(scope="module")
def limited(folder: Path, keys: dict[str, str]) -> Iterator[Server]:
    assert keys
    with running_server(folder, keys_file=folder / "keys", requests_per_minute=6, request_burst=2) as server:
        yield server


def ask(server: Server, path: str, key: str = "") -> httpx.Response:
    with server.client() as client:
        return client.get(path, headers={"X-Api-Key": key})


def test_too_many_get_429_and_learn_when_to_come_back(limited: Server, keys: dict[str, str]) -> None:
    answers = [ask(limited, "/v1/models", keys["lab"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert refused.headers["ratelimit-policy"] == '"requests";q=2;w=20'
    assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')


def test_an_answer_tells_what_is_left(limited: Server, keys: dict[str, str]) -> None:
    answer = ask(limited, "/v1/models", keys["ward"])
    assert answer.headers["ratelimit-policy"] == '"requests";q=2;w=20'
    assert answer.headers["ratelimit"] == '"requests";r=1;t=10'


def test_one_key_does_not_use_up_what_is_anothers(limited: Server, keys: dict[str, str]) -> None:
    while ask(limited, "/v1/models", keys["hall"]).status_code != 429:
        pass
    assert ask(limited, "/v1/models", keys["door"]).status_code == 200


def test_health_is_free(limited: Server) -> None:
    for path in ("/livez", "/readyz", "/version", "/docs", "/metrics") * 3:
        answer = ask(limited, path)
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


def test_strangers_are_turned_away_before_they_cost_a_bucket(limited: Server) -> None:
    assert [ask(limited, "/v1/models", "wrong").status_code for _ in range(5)] == [401] * 5


def test_there_is_no_limit_unless_one_is_set(server: Server) -> None:
    assert "ratelimit" not in ask(server, "/v1/models").headers


async def ok(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


def statuses(*addresses: str | None) -> list[int]:
    """Return what requests of these addresses are answered one after the other, one allowed each."""
    guard = RateGuard(ok, RateLimiter(60, 1, clock=Clock()))
    seen: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    async def ask_all() -> None:
        for address in addresses:
            client = (address, 1) if address else None
            await guard(
                {
                    "type": "http",
                    "path": "/v1/models",
                    "headers": [],
                    "client": client,
                    "facepulse.key": "",
                    "facepulse.request_id": "test-0001",
                },
                receive,
                send,
            )

    asyncio.run(ask_all())
    return seen


def test_without_keys_addresses_are_told_apart() -> None:
    assert statuses("203.0.113.7", "203.0.113.8", "203.0.113.7") == [200, 200, 429]


def test_addresses_of_one_ipv6_network_are_one_caller() -> None:
    assert statuses("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1") == [200, 429, 200]


def test_callers_without_an_address_are_one() -> None:
    assert statuses(None, "testclient", None) == [200, 200, 429]
