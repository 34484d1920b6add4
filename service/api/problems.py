"""The one table from what went wrong to what the caller is told (RFC 9457), by the stable code of an error.

Every error of the pipeline, the worker pool and the service itself has a `code` and a `detail`; everything else is an
`internal_error`. Nothing here repeats what the client sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from service.api.problem_schemas import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What a code means: HTTP status, a title that never changes, and the sentence when an error brings none."""

    status: int
    title: str
    detail: str


PROBLEMS: dict[str, ProblemType] = {
    # Requests
    "bad_request": ProblemType(400, "Malformed request", "The request cannot be read as HTTP."),
    "multipart_invalid": ProblemType(400, "Malformed multipart body", "The body is no complete multipart/form-data."),
    "empty_file": ProblemType(400, "Empty file", "The file has no bytes."),
    "unauthorized": ProblemType(401, "No valid key", "Send a valid API key: `Authorization: Bearer <key>`."),
    "origin_not_allowed": ProblemType(403, "Origin not allowed", "Web pages of this origin may not do this here."),
    "not_found": ProblemType(404, "Not found", "There is nothing at this address."),
    "method_not_allowed": ProblemType(405, "Method not allowed", "This address does not take this method."),
    "request_timeout": ProblemType(408, "Request too slow", "The request's body did not arrive in time."),
    "upload_too_large": ProblemType(413, "Upload too large", "The file is larger than this service takes."),
    "unsupported_media_type": ProblemType(
        415,
        "Unsupported media type",
        "Send multipart/form-data (frames also: application/octet-stream), not compressed.",
    ),
    "validation_failed": ProblemType(422, "Invalid options", "An option does not fit; see `errors`."),
    "file_missing": ProblemType(422, "No file", "The form has no part named `file`."),
    "too_many_files": ProblemType(422, "More than one file", "The form has more than one part named `file`."),
    "rate_limited": ProblemType(429, "Too many requests", "This caller sends more requests than it may; wait a while."),
    "idempotency_key_reused": ProblemType(
        422, "Idempotency key reused", "This Idempotency-Key came with another video or other options before."
    ),
    "too_many_jobs": ProblemType(
        429, "Too many jobs", "This key has as many unfinished jobs as it may; wait for one or delete one."
    ),
    "images_missing": ProblemType(422, "No images", "The form has no part named `images`."),
    "too_many_frames": ProblemType(422, "Too many frames", "A batch has more frames than this service takes."),
    "image_too_large": ProblemType(413, "Image too large", "An image has more bytes than this service takes."),
    "message_invalid": ProblemType(422, "Message not understood", "A message is not what it must be at this point."),
    "header_too_large": ProblemType(431, "Header too large", "The request's header is larger than this service takes."),
    "http_error": ProblemType(400, "Request refused", "The request cannot be answered."),
    # The video
    "input_invalid": ProblemType(422, "Unusable video", "The video cannot be used."),
    "not_a_video": ProblemType(415, "Not a video", "Videos are taken as MP4, MOV, Matroska, WebM or AVI."),
    "codec_not_allowed": ProblemType(415, "Codec not taken", "The video's codec is not taken."),
    "no_video_stream": ProblemType(422, "No video stream", "The file holds no video stream."),
    "video_malformed": ProblemType(422, "Malformed video", "The file contradicts itself, or nothing in it decodes."),
    "video_truncated": ProblemType(422, "Truncated video", "Too little of what the file promises is there."),
    "too_short": ProblemType(422, "Video too short", "The video is too short to measure a heart rate."),
    "too_long": ProblemType(413, "Video too long", "The video is longer than one request may be."),
    "resolution_out_of_range": ProblemType(422, "Resolution out of range", "The picture is too large or too small."),
    "resolution_changed": ProblemType(422, "Resolution changes", "The picture's size changes in the video."),
    "frame_rate_out_of_range": ProblemType(422, "Frame rate out of range", "The frame rate is too low or too high."),
    "timestamps_invalid": ProblemType(422, "Invalid timestamps", "The frames' times are missing or run backwards."),
    "not_an_image": ProblemType(422, "Not an image that is taken", "Images are taken as JPEG or PNG, all of one kind."),
    "image_malformed": ProblemType(422, "Malformed image", "An image does not decode."),
    "frames_mismatch": ProblemType(422, "Frames do not fit", "Frames, their size and their times do not fit together."),
    "no_colour": ProblemType(422, "No colour", "The video is grey; a pulse needs colour."),
    "no_face": ProblemType(422, "No face found", "No face was found in the video."),
    "unknown_model": ProblemType(422, "Unknown model", "No model has this name; see /v1/models."),
    "video_too_expensive": ProblemType(422, "Video too expensive", "The video needs more memory than one may use."),
    "answer_too_large": ProblemType(422, "Answer too large", "The result is too large to send; ask for less at once."),
    # The service
    "internal_error": ProblemType(500, "Internal error", "The request failed for a reason of ours."),
    "error": ProblemType(500, "Internal error", "The request failed for a reason of ours."),
    "model_error": ProblemType(500, "Broken model", "A model of this service is broken."),
    "manifest_invalid": ProblemType(500, "Broken model", "The manifest of a model of this service is broken."),
    "model_corrupt": ProblemType(500, "Broken model", "A model file of this service is broken."),
    "queue_full": ProblemType(503, "Service full", "All workers are busy; try again later."),
    "job_queue_full": ProblemType(503, "Service full", "Enough jobs wait already; try again later."),
    "interrupted": ProblemType(503, "Interrupted", "The service ended before the job did; send the video again."),
    "too_many_sessions": ProblemType(
        503, "Service full", "There are as many live sessions as there may be; try again later."
    ),
    "too_many_uploads": ProblemType(503, "Service full", "Too many uploads at this time; try again later."),
    "jobs_unavailable": ProblemType(
        503, "Jobs out of reach", "What is known of jobs cannot be read or changed now; try again later."
    ),
    "storage_full": ProblemType(503, "Service full", "There is no room for the upload; try again later."),
    "starting": ProblemType(503, "Service starting", "The models are being opened; try again later."),
    "stopping": ProblemType(503, "Service stopping", "This service is about to end; try again later."),
    "store_changed": ProblemType(500, "Broken model", "The model store is not the one in service."),
    "worker_died": ProblemType(503, "Worker ended", "The process that worked on this request ended; try again."),
    "took_too_long": ProblemType(504, "Took too long", "The video took longer than one request may take."),
}

_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "upload_too_large", 415: "unsupported_media_type"}


class RequestRefused(Exception):
    """The service itself refuses a request; `code` is one of the table."""

    def __init__(self, code: str, *, errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.detail = ""
        self.errors = errors


def code_of_status(status: int) -> str:
    """Return the code for an error that the framework knows by its status only."""
    return _BY_STATUS.get(status, "internal_error" if status >= 500 else "http_error")


def make_problem(code: str, request_id: str, *, detail: str = "", errors: tuple[FieldProblem, ...] = ()) -> Problem:
    """Build the problem for a code; one that is not in the table is an internal error."""
    if code not in PROBLEMS:
        code, detail = "internal_error", ""
    kind = PROBLEMS[code]
    return Problem(
        type=f"/problems/{code}",
        title=kind.title,
        status=kind.status,
        detail=detail or kind.detail,
        code=code,
        request_id=request_id,
        errors=list(errors) or None,
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Wrap a problem as a response; one that may pass by itself says when to come back."""
    retry = {"Retry-After": str(RETRY_AFTER_S)} if problem.status in (429, 503) else {}
    body = json.dumps(problem.model_dump(exclude_none=True)).encode()
    return Response(body, problem.status, {**retry, **(headers or {})}, media_type=MEDIA_TYPE)
