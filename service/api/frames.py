"""POST /v1/heart-rate/frames: a batch of pictures in place of a video."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.api import examples
from service.api.frame_options import MAX_TIME_BYTES, FrameOptions, frame_times, read_layout
from service.api.multipart import FormRules, check_headers, length_of, media_type_of, read_form, read_raw
from service.api.problems import RequestRefused
from service.api.schemas import HeartRateResult
from service.api.state import Service, ServiceDep, measured, merge_options, unless_gone
from service.settings import Settings
from service.wire import FramesTask

RAW_TYPE = "application/octet-stream"
IMAGE_NAMES = frozenset(("images", "image"))

router = APIRouter()


@router.post(
    "/v1/heart-rate/frames",
    tags=["measure"],
    summary="Measure the heart rate in a batch of pictures of a face",
    response_model=HeartRateResult,
    responses=examples.HEART_RATE_RESPONSES,
    openapi_extra=examples.FRAMES_BODY,
)
async def measure_frames(request: Request, query: Annotated[FrameOptions, Query()], service: ServiceDep) -> Response:
    """Take pictures as JPEG or PNG parts `images` of a form, or as raw RGB24 in an octet stream; answer as for a video.

    Each frame needs a time: `timestamps_s`, or `fps` for an even rate. With `cropped` the pictures are crops of one
    face already: squares 1.6 times the face's longer side, kept still while the face stays within them.
    The pictures are deleted before the answer is sent.
    """
    receive = _receive_raw if media_type_of(request.headers) == RAW_TYPE else _receive_images
    async with receive(request, query, service) as (task, upload_s):
        outcome = await unless_gone(request, service.pool.run(task))
    return measured(request, outcome, upload_s)


@contextlib.asynccontextmanager
async def _receive_raw(
    request: Request, query: FrameOptions, service: Service
) -> AsyncIterator[tuple[FramesTask, float]]:
    """Receive raw frames: how many bytes come is known, and everything else checked, before the first one does."""
    layout, fields = read_layout(request.headers)
    if layout.frames > service.settings.max_frames:
        raise RequestRefused("too_many_frames")
    options = merge_options(query, fields)
    times = frame_times(options, layout.frames)
    size = layout.size
    if max(size, length_of(request.headers)) > service.settings.max_upload_bytes:
        raise RequestRefused("upload_too_large")
    if length_of(request.headers) not in (0, size):
        raise RequestRefused("frames_mismatch")
    async with service.receive(request, lambda body, file: read_raw(body, file, size)) as upload:
        path = str(upload.file.path)
        yield FramesTask(path, "rgb24", times, layout.width, layout.height, **_chosen(options)), upload.seconds


@contextlib.asynccontextmanager
async def _receive_images(
    request: Request, query: FrameOptions, service: Service
) -> AsyncIterator[tuple[FramesTask, float]]:
    """Receive a form of image files."""
    rules = _form_rules(service.settings)
    boundary = check_headers(request.headers, rules)
    async with service.receive(request, lambda body, file: read_form(boundary, body, file, rules)) as upload:
        options = merge_options(query, upload.fields)
        times = frame_times(options, len(upload.offsets) - 1)
        path = str(upload.file.path)
        yield FramesTask(path, "images", times, offsets=upload.offsets, **_chosen(options)), upload.seconds


def _form_rules(settings: Settings) -> FormRules:
    return FormRules(
        settings.max_upload_bytes,
        file_names=IMAGE_NAMES,
        max_files=settings.max_frames,
        max_file_bytes=settings.max_image_bytes,
        long_fields={"timestamps_s": MAX_TIME_BYTES * settings.max_frames},
        too_many="too_many_frames",
        too_large="image_too_large",
        missing="images_missing",
    )


def _chosen(options: FrameOptions) -> dict[str, Any]:
    return options.model_dump(include={"cropped", "model", "face"})
