"""What travels between the service and a worker: frames of one kind letter, a length and a JSON body.

JSON, not pickle: a worker touches foreign bytes, and what it sends must never be able to run anything here.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Self

from pydantic_core import to_json

from service.pipeline.types import DecodeLimits

DEFAULT_ESTIMATOR = "service.pipeline.estimate:Estimator"

READY = b"+"  # worker: models are warm; body: Ready
TASK = b"T"  # service: do this; body: Task
RESULT = b"R"  # worker: the answer; body: any JSON
REFUSED = b"E"  # worker: a named error, ready for the next task; body: Refusal
BROKEN = b"X"  # worker: a named error, replace me; body: Refusal
PROGRESS = b"P"  # worker: share done; body: a number in 0..1

_HEADER = struct.Struct("!cI")
MAX_BODY_BYTES = 64 * 1024 * 1024  # two hours of BVP at 240 fps are 14 MB of JSON


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How a worker is to be. `estimator` is `module:callable`, called with the path of the model store."""

    model_store: str
    limits: DecodeLimits
    parent_pid: int
    memory_mb: int = 600
    cpu_s: int = 240
    file_mb: int = 1
    open_files: int = 64
    estimator: str = DEFAULT_ESTIMATOR


@dataclass(frozen=True, slots=True)
class Task:
    """One video to measure: a path and the options of `Estimator.estimate`."""

    path: str
    model: str = "auto"
    face: str = "largest"
    start_s: float = 0.0
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """What a warm worker can do: names of usable models and which one is the default."""

    models: tuple[str, ...]
    default: str


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
    def of(cls, kind: bytes, message: Task | Ready | Refusal | float) -> Self:
        """Wrap a message."""
        return cls(kind, to_json(message))

    def pack(self) -> bytes:
        """Return the bytes to send. Raises ValueError when the body is too large."""
        if len(self.body) > MAX_BODY_BYTES:
            raise ValueError("message is too large")
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
