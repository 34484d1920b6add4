"""Which web pages may call: none but our own, unless the setting `cors_origins` names them.

HTTP: a browser keeps answers from pages of other origins unless CORS allows it. WebSockets know no CORS, so their
Origin is checked here: our own page (the origin's host is the request's), a named one, or no browser at all.
"""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import refuse

_METHODS = ("GET", "POST", "DELETE")
_RAW_FRAMES = ("X-Frame-Count", "X-Frame-Height", "X-Frame-Width", "X-Frame-Fps", "X-Frame-Timestamps")
SENT_HEADERS = (
    "Authorization",
    "X-Api-Key",
    "X-Request-Id",
    "Idempotency-Key",
    "Last-Event-ID",
    "traceparent",
    *_RAW_FRAMES,
)
_SEEN = ("X-Request-Id", "Location", "Retry-After", "RateLimit", "RateLimit-Policy")


class OriginGuard:
    """CORS for the named origins, problem details for preflights of others, and the check of WebSockets."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = origins
        self._cors = CORSMiddleware(
            app, allow_origins=origins, allow_methods=_METHODS, allow_headers=SENT_HEADERS, expose_headers=_SEEN
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            if origin in self._origins or _host_of(origin) == headers.get("host"):
                await self._app(scope, receive, send)
            else:
                await refuse(scope, receive, send, "origin_not_allowed")
        elif not self._origins:
            await self._app(scope, receive, send)
        elif _is_preflight(scope, headers) and self._cors.preflight_response(headers).status_code != 200:
            await refuse(scope, receive, send, "origin_not_allowed", {"Vary": "Origin"})
        else:
            await self._cors(scope, receive, send)


def _host_of(origin: str) -> str:
    return origin.partition("://")[2]


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers
