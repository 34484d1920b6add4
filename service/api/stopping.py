"""The door of a service that is about to end: who is in may finish, who comes is sent elsewhere."""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import refuse
from service.api.state import Service

_OPEN = frozenset({"/livez", "/readyz", "/version", "/metrics"})


class StoppingGuard:
    """Answers 503 `stopping` to requests and WebSockets that come once `Service.stopping` is set."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in _OPEN and _is_stopping(scope["app"]):
            await refuse(scope, receive, send, "stopping", {"Connection": "close"})
            return
        await self._app(scope, receive, send)


def _is_stopping(app: Any) -> bool:
    service: Service | None = getattr(app.state, "service", None)
    return service is not None and service.stopping.is_set()
