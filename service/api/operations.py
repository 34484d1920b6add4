"""Addresses for operators and readers: health, version, what errors mean, the documentation."""

from importlib.metadata import version

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.api import examples
from service.api.docs import docs_page
from service.api.head import HeadRoute
from service.api.health_schemas import Health, Version
from service.api.problems import PROBLEMS, RETRY_AFTER_S, RequestRefused
from service.api.state import Service, ServiceDep

router = APIRouter(route_class=HeadRoute)
_STORE_FAULTS = ("manifest_invalid", "model_corrupt", "model_error", "store_changed", "unknown_model")


@router.get("/livez", tags=["operations"], summary="Is the process alive?")
async def get_livez(service: ServiceDep) -> Health:
    """Answer always and at once; waits for nothing."""
    return _health(service, "ok")


@router.get("/readyz", tags=["operations"], summary="Can it work?", responses={503: {"model": Health}})
async def get_readyz(service: ServiceDep) -> Response:
    """Answer 200 while a worker is warm and the service is not about to end, else 503."""
    pool = service.pool
    if service.leaving:
        health = _health(service, "stopping")
    elif pool.warm:
        health = _health(service, "ok")
    else:
        health = _health(service, "model_store_broken" if pool.trouble in _STORE_FAULTS else "starting")
    if health.status == "ok":
        return JSONResponse(health.model_dump())
    return JSONResponse(health.model_dump(), 503, {"Retry-After": str(RETRY_AFTER_S)})


def _health(service: Service, status: str) -> Health:
    pool = service.pool
    return Health.model_validate(
        {
            "status": status,
            "workers": pool.warm,
            "workers_wanted": service.settings.workers,
            "trouble": pool.trouble or None,
        }
    )


@router.get("/version", tags=["operations"], summary="What runs here?")
async def get_version() -> Version:
    """Return the service's version."""
    return Version(version=version("facepulse"))


@router.get("/problems/{code}", tags=["operations"], summary="Explain an error", responses=examples.NOT_FOUND)
async def get_problem(code: str) -> dict[str, str | int]:
    """Return what a problem's `type` means."""
    if code not in PROBLEMS:
        raise RequestRefused("not_found")
    kind = PROBLEMS[code]
    return {"type": f"/problems/{code}", "status": kind.status, "title": kind.title, "detail": kind.detail}


@router.get("/docs", include_in_schema=False)
async def get_docs(request: Request) -> HTMLResponse:
    """Show the API to people; needs no script and nothing from elsewhere."""
    return HTMLResponse(docs_page(request.app.openapi()))
