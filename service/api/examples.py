"""Examples and descriptions for the API's own documentation."""

import json
from typing import Any

from service.api.frame_options import RAW_HEADERS, FrameOptions
from service.api.option_schemas import HeartRateOptions
from service.api.problem_schemas import Problem
from service.api.problems import MEDIA_TYPE, PROBLEMS, make_problem

CURL = "curl -F file=@me.mp4 -F face=largest http://127.0.0.1:8000/v1/heart-rate"

_RESULT = {
    "bpm": 68.4,
    "confidence": 0.93,
    "snr_db": 7.1,
    "status": "ok",
    "bvp": {"fps": 30.0, "start_s": 0.0, "values": [0.12, 0.41, 0.77]},
    "windows": [{"start_s": 0.0, "end_s": 10.0, "bpm": 68.2, "snr_db": 7.3, "confidence": 0.94}],
    "hrv": {
        "beats": 4,
        "beats_s": [0.6113, 1.4902, 2.3481, 3.2374],
        "ibi_ms": [878.9, 857.9, 889.3],
        "ibi_ok": [True, True, True],
        "artefacts_ratio": 0.0,
        "sdnn_ms": 14.2,
        "rmssd_ms": 23.6,
        "pnn50": 0.0,
        "lf_ms2": None,
        "hf_ms2": None,
        "lf_hf": None,
        "timing_error_ms": 5.1,
    },
    "hrv_reason": None,
    "hrv_detail": None,
    "respiration_rate": 14.2,
    "respiration_rate_confidence": 0.86,
    "respiration_rate_reason": None,
    "respiration_rate_detail": None,
    "face": {"found_ratio": 1.0, "boxes": [{"time_s": 0.0, "x0": 201.0, "y0": 90.5, "x1": 441.0, "y1": 330.5}]},
    "video": {"duration_s": 30.0, "fps": 30.0, "frames": 900, "width": 640, "height": 480, "codec": "h264"},
    "model": {"name": "student", "version": "1.0.0", "sha256": "9f2c…"},
    "timing_ms": {"upload": 12.0, "queue": 0.1, "decode": 310.0, "infer": 40.0},
    "warnings": [],
    "request_id": "4f1d7c0a9b8e4d53b2a16f0e7c9d8a35",
}


def _shown(name: str) -> dict[str, Any]:
    """Point to an example of SHARED; within a response FastAPI would leave out every null in it."""
    return {"examples": {name: {"$ref": f"#/components/examples/{name}"}}}


def _problem_example(code: str) -> dict[str, Any]:
    problem = make_problem(code, "4f1d7c0a9b8e4d53b2a16f0e7c9d8a35")
    return {"summary": problem.title, "value": problem.model_dump(exclude_none=True)}


def _problems(status: int, description: str) -> dict[str, Any]:
    codes = [code for code, kind in PROBLEMS.items() if kind.status == status]
    content = {MEDIA_TYPE: {"examples": {code: _problem_example(code) for code in codes}}}
    return {"model": Problem, "description": description, "content": content}


HEART_RATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A measurement.", "content": {"application/json": _shown("measurement")}},
    400: _problems(400, "The request is malformed."),
    408: _problems(408, "The body did not arrive in time."),
    413: _problems(413, "The file is too large or the video too long."),
    415: _problems(415, "Not a kind of file that is taken."),
    422: _problems(422, "The options do not fit, or the video cannot be used."),
    503: _problems(503, "Full, or the worker ended; `Retry-After` says when to come back."),
    504: _problems(504, "The video took too long."),
}

STARTING: dict[int | str, dict[str, Any]] = {503: _problems(503, "No worker is warm yet.")}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _problems(404, "There is nothing of this name.")}

_OPTIONS = HeartRateOptions.model_json_schema()["properties"]

HEART_RATE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The video."},
                        **_OPTIONS,
                    },
                },
            }
        },
    },
    "x-codeSamples": [{"lang": "shell", "source": CURL}],
}

_FRAMES_CURL = (
    """curl $(printf -- '-F images=@%s ' frames/*.jpg) -F fps=30 http://127.0.0.1:8000/v1/heart-rate/frames"""
)
_RAW_CURL = (
    "curl --data-binary @frames.rgb -H 'Content-Type: application/octet-stream' -H 'X-Frame-Count: 450' "
    "-H 'X-Frame-Height: 240' -H 'X-Frame-Width: 320' -H 'X-Frame-Fps: 30' http://127.0.0.1:8000/v1/heart-rate/frames"
)
_IMAGES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "The pictures in order, one part each: all JPEG or all PNG, all of one size.",
}

FRAMES_BODY: dict[str, Any] = {
    "parameters": RAW_HEADERS,
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {"images": _IMAGES, **FrameOptions.model_json_schema()["properties"]},
                }
            },
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "description": "Raw RGB24; see the X-Frame headers."}
            },
        },
    },
    "x-codeSamples": [{"lang": "shell", "source": _FRAMES_CURL}, {"lang": "shell", "source": _RAW_CURL}],
}

_JOB_ID = "9f86d081884c7d659a2feaa0c55ad015"
_JOB = {
    "id": _JOB_ID,
    "state": "running",
    "position": None,
    "progress": 0.42,
    "bpm": 67.9,
    "confidence": 0.94,
    "created_at": "2026-01-05T10:00:00.000Z",
    "started_at": "2026-01-05T10:00:01.500Z",
    "finished_at": None,
    "expires_at": None,
    "links": {"self": f"/v1/jobs/{_JOB_ID}", "events": f"/v1/jobs/{_JOB_ID}/events"},
    "problem": None,
    "result": None,
}
_NOT_YET = {"position": 1, "progress": 0.0, "bpm": None, "confidence": None, "started_at": None}
_EVENTS = f"event: state\ndata: {json.dumps(_JOB)}\n\nid: end\nevent: result\ndata: {json.dumps(_RESULT)}\n\n"
_ACCEPTED = {
    "description": "Taken on; `Location` is where to ask, `Retry-After` when.",
    "content": {"application/json": _shown("waiting_job")},
}

SHARED: dict[str, Any] = {
    "measurement": {"summary": "A measurement", "value": _RESULT},
    "waiting_job": {"summary": "A job that waits", "value": _JOB | {"state": "queued", **_NOT_YET}},
    "running_job": {"summary": "A job that is worked on", "value": _JOB},
}

JOB_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _problems(404, "No job of yours has this id, or no longer.")}
JOB_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "How it is.", "content": {"application/json": _shown("running_job")}},
    **JOB_NOT_FOUND,
}
JOB_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: _ACCEPTED,
    **{status: HEART_RATE_RESPONSES[status] for status in (400, 408, 413, 415, 422)},
    429: _problems(429, "Enough unfinished jobs, or requests, of this key."),
    503: _problems(503, "Full; `Retry-After` says when to come back."),
}
JOB_EVENTS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The job's events.", "content": {"text/event-stream": {"example": _EVENTS}}},
    204: {"description": "The last event was sent before."},
    **JOB_NOT_FOUND,
}
JOB_BODY: dict[str, Any] = HEART_RATE_BODY | {
    "x-codeSamples": [{"lang": "shell", "source": "curl -F file=@long.mp4 http://127.0.0.1:8000/v1/jobs"}]
}
