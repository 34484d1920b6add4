"""GET /v1/models: what can be asked for."""

from fastapi import APIRouter

from service.api import examples
from service.api.catalogue import list_models
from service.api.model_schemas import ModelFacts, ModelList
from service.api.problems import RequestRefused
from service.api.state import Service, ServiceDep

router = APIRouter()


@router.get("/v1/models", tags=["models"], summary="List the models", responses=examples.STARTING)
async def get_models(service: ServiceDep) -> ModelList:
    """Return every model and classical method that `model` may name, the default first."""
    return ModelList(models=_models(service))


@router.get(
    "/v1/models/{name}", tags=["models"], summary="Describe one model", responses=examples.NOT_FOUND | examples.STARTING
)
async def get_model(name: str, service: ServiceDep) -> ModelFacts:
    """Return the facts of one model's manifest; `auto` is the default model."""
    for model in _models(service):
        if model.name == name or (name == "auto" and model.default):
            return model
    raise RequestRefused("not_found")


def _models(service: Service) -> list[ModelFacts]:
    """Return what the workers have opened. Raises RequestRefused before one is warm."""
    models = list_models(service.pool.ready)
    if not models:
        raise RequestRefused("starting")
    return models
