"""How many requests one caller may send: a token bucket per key, or per client address where there are no keys.

A bucket holds `burst` tokens and fills with `per_minute`; a request takes one. Answers say how it stands in the fields
`RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers (quota q, window w s, remaining r, t s until
the bucket is full).
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.auth import is_open
from service.api.errors import refuse

_MOST_CALLERS = 10_000
_IPV6_NETWORK_BITS = 64  # what one subscriber gets, and can change its address in at will


@dataclass(frozen=True, slots=True)
class Allowance:
    """How a caller stands after a request: whether it may go on, tokens left, seconds until one and until all."""

    allowed: bool
    remaining: int
    next_s: float
    full_s: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimiter:
    """The buckets of all callers; past 10,000 the one unused for longest is forgotten, so memory is bounded."""

    def __init__(self, per_minute: int, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst = burst
        self.fill_s = 60.0 * burst / per_minute
        self._rate_hz = per_minute / 60.0
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> Allowance:
        """Take a token from a caller's bucket, if there is one."""
        now = self._clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self.burst, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.at_s) * self._rate_hz)
        bucket.at_s = now
        allowed = bucket.tokens >= 1
        bucket.tokens -= allowed
        return Allowance(
            allowed=allowed,
            remaining=int(bucket.tokens),
            next_s=max(0.0, 1 - bucket.tokens) / self._rate_hz,
            full_s=(self.burst - bucket.tokens) / self._rate_hz,
        )


class RateGuard:
    """Answers 429 to callers that send too much; health, documentation and the page's files are free."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] not in ("http", "websocket") or is_open(scope):
            await self._app(scope, receive, send)
            return
        allowance = self._limiter.take(_caller(scope))
        fields = self._fields(allowance)
        if not allowance.allowed:
            await refuse(scope, receive, send, "rate_limited", fields | {"Retry-After": f"{_ceil(allowance.next_s)}"})
            return

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message.setdefault("headers", [])).update(fields)
            await send(message)

        await self._app(scope, receive, send_with_fields)

    def _fields(self, allowance: Allowance) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"requests";q={self._limiter.burst};w={_ceil(self._limiter.fill_s)}',
            "RateLimit": f'"requests";r={allowance.remaining};t={_ceil(allowance.full_s)}',
        }


def _ceil(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _caller(scope: Scope) -> str:
    if scope["facepulse.key"]:
        return f"key {scope['facepulse.key']}"
    client = scope.get("client")
    return f"address {_network(client[0])}" if client else "local socket"


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ipaddress.ip_network((int(ip), _IPV6_NETWORK_BITS), strict=False))
