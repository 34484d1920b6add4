"""HEAD where it is of use: what uptime monitors, caches and link checkers ask of health, metrics and pages."""

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send


class HeadRoute(APIRoute):
    """Answers HEAD as it answers GET, for an APIRouter's `route_class`; the server leaves out the body.

    HEAD is not among its methods, so that the API's description has each address once.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether this route is meant."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await super().handle(_as_get(scope), receive, send)


def _as_get(scope: Scope) -> Scope:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
