"""What travels between the service and a worker: frames of one kind letter, a length and a body.

Bodies are JSON, not pickle: a worker touches foreign bytes, and what it sends must never be able to run anything here.
Messages of a session are bytes that only its two ends understand.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field
from pydantic_core import to_json

from service.pipeline.manifest import Release
from service.pipeline.types import DecodeLimits

DEFAULT_ESTIMATOR = "service.pipeline.estimate:Estimator"

READY = b"+"  # worker: models are warm; body: Ready
VIDEO = b"V"  # service: measure this; body: VideoTask
FRAMES = b"F"  # service: measure this; body: FramesTask
SESSION = b"S"  # service: begin a session; body: SessionTask; the worker agrees with an empty MESSAGE
MESSAGE = b"M"  # both ways, in a session; body: bytes. The worker answers each one, with no bytes if it has none
CLOSE = b"C"  # service: end the session; the worker answers with a RESULT
RESULT = b"R"  # worker: the answer; body: any JSON
REFUSED = b"E"  # worker: a named error, ready for the next task; body: Refusal
BROKEN = b"X"  # worker: a named error, replace me; body: Refusal
PROGRESS = b"P"  # worker: how far it is; body: Progress

_HEADER = struct.Struct("!cI")
MAX_BODY_BYTES = 64 * 1024 * 1024  # two hours of BVP at 240 fps are 14 MB of JSON


class MessageTooLarge(ValueError):
    """A body has more than MAX_BODY_BYTES."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How a worker is to be.

    estimator: `module:callable`, called with the path of the model store, the release and default_model.
    release: the models to serve, None for those that the store names; default_model: what `auto` means then, "" for
    the store's own.
    """

    model_store: str
    limits: DecodeLimits
    parent_pid: int
    memory_mb: int = 800
    cpu_s: int = 240
    file_mb: int = 1
    open_files: int = 64
    estimator: str = DEFAULT_ESTIMATOR
    release: Release | None = None
    default_model: str = ""


@dataclass(frozen=True, slots=True)
class VideoTask:
    """One video to measure: a path and the options of `Estimator.estimate`; max_duration_s None: that of a request."""

    path: str
    model: str = "auto"
    face: str = "largest"
    start_s: float = 0.0
    duration_s: float | None = None
    max_duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class FramesTask:
    """A batch of frames in one file, one time in seconds per frame.

    form `rgb24`: pictures of width x height, one after the other. form `images`: image files; number i lies at
    offsets[i] to offsets[i + 1]. `cropped`: they show a face and nothing else.
    """

    path: str
    form: Literal["rgb24", "images"]
    timestamps_s: tuple[float, ...]
    width: int | None = None
    height: int | None = None
    offsets: tuple[int, ...] = ()
    cropped: bool = False
    model: str = "auto"
    face: str = "largest"


@dataclass(frozen=True, slots=True)
class SessionTask:
    """A live measurement: the worker keeps its state and answers message by message.

    face_box: where the face is in every frame (x0, y0, x1, y1 in pixels), None to have it looked for.
    limits: what its frames may be, None for what a request's may be.
    """

    model: str = "auto"
    face_box: tuple[float, float, float, float] | None = None
    limits: DecodeLimits | None = None


Task = VideoTask | FramesTask
KINDS: dict[type, bytes] = {VideoTask: VIDEO, FramesTask: FRAMES, SessionTask: SESSION}


def effort(task: Task, limits: DecodeLimits) -> float:
    """Return how many times the time of a request the task may take: as its video may be so many times longer."""
    longest_s = task.max_duration_s if isinstance(task, VideoTask) else None
    return max(1.0, (longest_s or 0.0) / limits.max_duration_s)


_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: share done (0..1), and where there is one the heart rate so far with its confidence (0..1)."""

    share: _Share
    bpm: _Finite | None = None
    confidence: _Share | None = None


_NOTHING = Release(default="", manifests=())


@dataclass(frozen=True, slots=True)
class Ready:
    """What a warm worker can do: names of usable models, and the facts of those that it opened from the store."""

    models: tuple[str, ...]
    release: Release = _NOTHING

    @property
    def default(self) -> str:
        """Which one `auto` means."""
        return self.release.default


@dataclass(frozen=True, slots=True)
class Refusal:
    """A named error: code and sentence of ours; `where` (type and code lines) is for the log alone."""

    code: str
    detail: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: bytes
    body: bytes

    @classmethod
    def of(cls, kind: bytes, message: Ready | Refusal | Progress) -> Self:
        """Wrap a message."""
        return cls(kind, to_json(message))

    @classmethod
    def of_task(cls, task: Task | SessionTask) -> Self:
        """Wrap what a worker is to do."""
        return cls(KINDS[type(task)], to_json(task))

    def pack(self) -> bytes:
        """Return the bytes to send. Raises MessageTooLarge."""
        if len(self.body) > MAX_BODY_BYTES:
            raise MessageTooLarge("message is too large")
        return _HEADER.pack(self.kind, len(self.body)) + self.body


def _length(header: bytes) -> tuple[bytes, int]:
    kind, length = _HEADER.unpack(header)
    if length > MAX_BODY_BYTES:
        raise ConnectionError("message is too large")
    return kind, length


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Read one frame. Raises EOFError or OSError when the other side is gone or sends nonsense."""
    kind, length = _length(await reader.readexactly(_HEADER.size))
    return Frame(kind, await reader.readexactly(length))


def receive_frame(sock: socket.socket) -> Frame:
    """Read one frame, blocking. Raises EOFError or OSError when the other side is gone."""
    kind, length = _length(_receive_exactly(sock, _HEADER.size))
    return Frame(kind, _receive_exactly(sock, length))


def _receive_exactly(sock: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = sock.recv(length - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
