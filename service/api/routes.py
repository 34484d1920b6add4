"""The addresses of the API, version 1, and those for operations."""

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.api import examples
from service.api.catalogue import list_models
from service.api.docs import docs_page
from service.api.problems import PROBLEMS, RequestRefused
from service.api.schemas import Health, HeartRateOptions, HeartRateResult, ModelFacts, ModelList, Version
from service.api.state import ServiceDep, measured, merge_options, unless_gone
from service.pipeline.errors import FacePulseError
from service.wire import VideoTask

router = APIRouter()


@router.post(
    "/v1/heart-rate",
    tags=["measure"],
    summary="Measure the heart rate in a video of a face",
    response_model=HeartRateResult,
    responses=examples.HEART_RATE_RESPONSES,
    openapi_extra=examples.HEART_RATE_BODY,
)
async def measure_heart_rate(
    request: Request, query: Annotated[HeartRateOptions, Query()], service: ServiceDep
) -> Response:
    """Take a video (MP4, MOV, MKV, WebM, AVI) as part `file` of a form; answer bpm, the wave and how far to trust them.

    The video is deleted before the answer is sent. Options may be form fields or query parameters.
    """
    async with service.receive_upload(request) as upload:
        options = merge_options(query, upload.fields)
        task = VideoTask(path=str(upload.file.path), **options.model_dump())
        outcome = await unless_gone(request, service.pool.run(task))
    return measured(request, outcome, upload.seconds)


@router.get("/v1/models", tags=["models"], summary="List the models")
def get_models(service: ServiceDep) -> ModelList:
    """Return every model and classical method that `model` may name, the default first."""
    return ModelList(models=list_models(service.settings.model_store, service.pool.ready))


@router.get("/v1/models/{name}", tags=["models"], summary="Describe one model", responses=examples.NOT_FOUND)
def get_model(name: str, service: ServiceDep) -> ModelFacts:
    """Return the facts of one model's manifest; `auto` is the default model."""
    models = list_models(service.settings.model_store, service.pool.ready)
    for model in models:
        if model.name == name or (name == "auto" and model.default):
            return model
    raise RequestRefused("not_found")


@router.get("/livez", tags=["operations"], summary="Is the process alive?")
async def get_livez(service: ServiceDep) -> Health:
    """Answer always and at once; waits for nothing."""
    return Health(status="ok", workers=service.pool.warm)


@router.get("/readyz", tags=["operations"], summary="Can it work?", responses={503: {"model": Health}})
def get_readyz(service: ServiceDep) -> Response:
    """Answer 200 once a worker is warm and the model store can be read, else 503."""
    try:
        list_models(service.settings.model_store, service.pool.ready)
    except FacePulseError:
        health = Health(status="model_store_broken", workers=service.pool.warm)
    else:
        health = Health(status="ok" if service.pool.warm else "starting", workers=service.pool.warm)
    return JSONResponse(health.model_dump(), 200 if health.status == "ok" else 503)


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
