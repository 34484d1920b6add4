"""POST /v1/heart-rate: the heart rate in a video."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.api import examples
from service.api.option_schemas import HeartRateOptions
from service.api.schemas import HeartRateResult
from service.api.state import ServiceDep, measured, merge_options, unless_gone
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
