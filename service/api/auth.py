"""Who may enter: every address but the open ones needs a key when there is a key file.

The key comes as `Authorization: Bearer <key>` or `X-Api-Key: <key>`; a browser, which cannot set headers of a
WebSocket, sends it as the subprotocol `facepulse.key.<key>` beside `facepulse.v1`.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import refuse
from service.keys import KeyRing, KeysUnusable
from service.settings import Settings

_OPEN = frozenset({"/", "/livez", "/readyz", "/version", "/docs", "/openapi.json"})
_OPEN_BELOW = ("/web/", "/problems/")
_METRICS = "/metrics"
_SUBPROTOCOL = "facepulse.key."
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="facepulse"'}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def open_ring(settings: Settings) -> KeyRing:
    """Return the keys to serve with. Raises KeysUnusable, also when strangers could reach a service without keys."""
    ring = KeyRing(settings.keys_file)
    if not (ring.required or settings.allow_open or is_loopback(settings.host)):
        raise KeysUnusable(
            f"without API keys the service would be open to everybody who reaches {settings.host or 'this machine'}; "
            "make a key with `facepulse keys new NAME` and name the file in FACEPULSE_KEYS_FILE, listen on 127.0.0.1, "
            "or set FACEPULSE_ALLOW_OPEN=true to want it so"
        )
    return ring


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; of names only `localhost` is known to mean that."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_open(scope: Scope) -> bool:
    """Whether an address answers without a key: health, documentation, the page, and metrics to this machine itself."""
    path: str = scope["path"]
    return _comes_from_here(scope) if path == _METRICS else needs_no_key(path)


def needs_no_key(path: str) -> bool:
    """Whether a path answers everybody without a key."""
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _comes_from_here(scope: Scope) -> bool:
    """Whether the caller is a program on this machine, and no proxy that speaks for somebody else."""
    client = scope.get("client")
    headers = Headers(scope=scope)
    return client is not None and is_loopback(client[0]) and not any(name in headers for name in _FORWARDED)


class KeyGuard:
    """Sets scope["facepulse.key"] to the name of the caller's key ("" where none is needed) or answers 401.

    Addresses that do not exist answer 401 too: a stranger learns nothing about what there is.
    """

    def __init__(self, app: ASGIApp, ring: KeyRing) -> None:
        self._app = app
        self._ring = ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] in ("http", "websocket"):
            key = _take_key(scope)
            scope["facepulse.key"] = ""
            if self._ring.required and not is_open(scope):
                name = self._ring.name_of(key)
                if name is None:
                    await refuse(scope, receive, send, "unauthorized", _CHALLENGE)
                    return
                scope["facepulse.key"] = name
        await self._app(scope, receive, send)


def _take_key(scope: Scope) -> str:
    """Return the key that was sent, "" for none; a subprotocol that is one is not seen by anybody else."""
    headers = Headers(scope=scope)
    offered = scope.get("subprotocols", [])
    if offered:
        scope["subprotocols"] = [name for name in offered if not name.startswith(_SUBPROTOCOL)]
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    if "x-api-key" in headers:
        return headers["x-api-key"]
    return next((name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)), "")
