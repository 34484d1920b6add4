"""What is said over the WebSocket /v1/stream, as JSON in text messages; frames come in as binary messages.

A binary message is the capture time, float64 big-endian in seconds on any clock that never runs backwards, and a JPEG
(or PNG) right behind it.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.api.schema import Share
from service.api.schemas import ResultWarning, UsedModel

SUBPROTOCOL = "facepulse.v1"
ByeReason = Literal["done", "idle", "session_too_long", "stopping"]
_Pixels = Annotated[float, Field(ge=0, le=10_000)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Start(_Message):
    """From the client, first; may be left out. `box`: x0, y0, x1, y1 of the face in every frame, if it is known."""

    type: Literal["start"] = "start"
    model: str = Field("auto", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    box: tuple[_Pixels, _Pixels, _Pixels, _Pixels] | None = None


class Stop(_Message):
    """From the client, last: tell what is known, then end."""

    type: Literal["stop"]


class Started(_Message):
    """From the server: a worker is there, frames are measured from now on."""

    type: Literal["started"] = "started"
    request_id: str


class Bye(_Message):
    """From the server, last: the session is over and nothing went wrong."""

    type: Literal["bye"] = "bye"
    reason: ByeReason


class Samples(_Message):
    """Values on a regular grid, number i at start_s + i / fps; null where the frames said nothing."""

    fps: float
    start_s: float
    values: list[float | None]


class Spectrum(_Message):
    """Power between 0.7 and 4 Hz in the newest 10 s, number i at start_hz + i * step_hz, the largest 1.

    Times f^1.5, which levels the noise: the rate is chosen from it.
    """

    start_hz: float
    step_hz: float
    power: list[float]


class Square(_Message):
    """A square in pixels of the upright picture; it may reach beyond it."""

    x0: float
    y0: float
    x1: float
    y1: float


class SeenFace(_Message):
    """Where the face is: `box` is the square that is looked at."""

    box: Square


class Update(_Message):
    """From the server about once a second; times are seconds since the first frame.

    `bpm` is that of the newest `window_s` seconds, null where nothing can be said; only with status `ok` is it one to
    use. `samples` are the model's own, each told once, those that the same frames give in a recording. `bvp` is the
    wave for the eye, a second behind: the samples summed up, band-passed without delay, in units of its spread over the
    newest 20 s, each value told once.
    """

    type: Literal["update"] = "update"
    time_s: float
    status: Literal["no_face", "measuring", "low_quality", "ok"]
    bpm: float | None
    confidence: Share
    snr_db: float | None
    window_s: float
    samples: Samples
    bvp: Samples
    spectrum: Spectrum | None
    face: SeenFace | None
    fps: float = Field(description="Frames per second measured lately.")
    frames: int = Field(description="Frames measured so far.")
    received: int = Field(0, description="Frames received so far.")
    dropped: int = Field(0, description="Frames left out so far because the worker was behind.")
    warnings: list[ResultWarning]
    model: UsedModel
    timing_ms: dict[str, float] = Field(description="Time in each stage since the update before.")
    final: bool = Field(False, description="Whether this is the last one, after `stop`.")

    def with_counts(self, received: int, dropped: int, warning: ResultWarning | None) -> Self:
        """Return the update with what only the service knows."""
        warnings = self.warnings if warning is None else [*self.warnings, warning]
        return self.model_copy(update={"received": received, "dropped": dropped, "warnings": warnings})
