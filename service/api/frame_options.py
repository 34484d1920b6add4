"""What a caller says of a batch of frames: options, the times of the frames, and the layout of raw ones in headers."""

import re

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers

from service.api.option_schemas import MeasureOptions
from service.api.problem_schemas import FieldProblem
from service.api.problems import RequestRefused

MAX_TIME_BYTES = 32  # of one time in a list: 20 digits, sign, point, comma and a space
RGB_BYTES = 3

RAW_HEADERS = [
    {"name": name, "in": "header", "schema": schema}
    for name, schema in {
        "X-Frame-Count": {"type": "integer", "description": "Raw frames: how many the body holds."},
        "X-Frame-Height": {"type": "integer", "description": "Raw frames: height of each in pixels."},
        "X-Frame-Width": {"type": "integer", "description": "Raw frames: width of each in pixels."},
        "X-Frame-Fps": {"type": "number", "description": "Raw frames: as `fps`."},
        "X-Frame-Timestamps": {"type": "string", "description": "Raw frames: as `timestamps_s`; may be repeated."},
    }.items()
]

_NUMBER = re.compile(r"[+-]?\d{1,11}(\.\d{0,20})?([eE][+-]?\d{1,2})?", re.ASCII)
_LATEST_S = 1e10
_SENTENCES = {
    "numbers": "must be numbers (seconds) separated by commas",
    "missing": "is required, or fps in its place",
    "both": "cannot be given together with fps",
}


class FrameOptions(MeasureOptions):
    """Options of a batch of frames, as query parameters or form fields; a form field wins."""

    cropped: bool = Field(False, description="The pictures are crops of one face: nothing is looked for in them.")
    fps: float | None = Field(None, gt=0, le=1000, description="Frames per second; or give `timestamps_s`.")
    timestamps_s: str | None = Field(
        None, description="A time for each frame in seconds, separated by commas or as a JSON list; rising."
    )


class RawLayout(BaseModel):
    """How raw frames lie in a body: uint8 (frames, height, width, 3), rows from the top, RGB."""

    frames: int = Field(alias="X-Frame-Count", ge=1, le=1_000_000)
    height: int = Field(alias="X-Frame-Height", ge=1, le=65_535)
    width: int = Field(alias="X-Frame-Width", ge=1, le=65_535)

    @property
    def size(self) -> int:
        """Size of the body in bytes."""
        return self.frames * self.height * self.width * RGB_BYTES


def read_layout(headers: Headers) -> tuple[RawLayout, dict[str, str]]:
    """Return the layout of a raw body and the options that stand in headers. Raises RequestValidationError.

    A list of times may be spread over several headers, as other lists in HTTP may.
    """
    try:
        layout = RawLayout.model_validate(
            {name: headers[name] for name in ("X-Frame-Count", "X-Frame-Height", "X-Frame-Width") if name in headers}
        )
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from error
    given = {"fps": headers.get("X-Frame-Fps"), "timestamps_s": ",".join(headers.getlist("X-Frame-Timestamps"))}
    return layout, {name: value for name, value in given.items() if value}


def frame_times(options: FrameOptions, count: int) -> tuple[float, ...]:
    """Return a time in seconds for each of `count` frames. Raises RequestRefused."""
    if options.timestamps_s is None:
        if options.fps is None:
            raise _refused("missing")
        return tuple(index / options.fps for index in range(count))
    if options.fps is not None:
        raise _refused("both")
    times = _read_times(options.timestamps_s)
    if len(times) != count:
        raise RequestRefused("frames_mismatch")
    return times


def _read_times(text: str) -> tuple[float, ...]:
    """Read a flat list of numbers; no JSON parser, so that nothing but such a list costs anything."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    numbers = [number.strip() for number in text.split(",")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise _refused("numbers")
    times = tuple(float(number) for number in numbers)
    if any(abs(time_s) > _LATEST_S for time_s in times):
        raise _refused("numbers")
    return times


def _refused(why: str) -> RequestRefused:
    problem = FieldProblem(field="timestamps_s", detail=_SENTENCES[why])
    return RequestRefused("validation_failed", errors=(problem,))
