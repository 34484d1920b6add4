"""The calls of the API without any I/O: what to send and how to read the answer. Both clients send these."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from facepulse.errors import FacePulseError, ServiceFailed, TookTooLong, Unreachable, error_of
from facepulse.parse import UnexpectedShape, parse
from facepulse.results import HeartRateResult, Job, Model
from facepulse.retries import BUSY, Retries, retry_after_s
from facepulse.uploads import FrameBatch, Video, open_video, repeatable

T = TypeVar("T")
FaceChoice = Literal["largest", "all"]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call; `read` turns the answer's decoded JSON into a result.

    video, frames: the body, one of them or none. query: options, those that are None are left out.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    query: Mapping[str, str | float | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    video: Video | None = None
    frames: FrameBatch | None = None

    @contextmanager
    def prepared(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of httpx's request(); files are open inside the block. Raises OSError."""
        query = {name: value for name, value in self.query.items() if value is not None}
        arguments = {"method": self.method, "url": self.path, "params": query, "headers": list(self.headers.items())}
        if self.video is not None:
            with open_video(self.video) as file:
                yield arguments | {"files": {"file": file}}
        elif self.frames is not None:
            yield arguments | _body(self.frames)
        else:
            yield arguments


def measure(
    video: Video, *, model: str, face: FaceChoice, start_s: float, duration_s: float | None
) -> Call[HeartRateResult]:
    """Measure a video. Raises OSError when an open one cannot be read."""
    query = options(model=model, face=face, start_s=start_s, duration_s=duration_s)
    return Call("POST", "/v1/heart-rate", _result, query, video=repeatable(video))


def measure_frames(frames: FrameBatch, *, cropped: bool, model: str, face: FaceChoice) -> Call[HeartRateResult]:
    """Measure a batch of frames."""
    query = {"cropped": "true" if cropped else None, "model": model, "face": face}
    return Call("POST", "/v1/heart-rate/frames", _result, query, frames=frames)


def submit(video: Video, *, model: str, face: FaceChoice, start_s: float, duration_s: float | None) -> Call[Job]:
    """Make a job; sent again, it is the same job. Raises OSError when an open video cannot be read."""
    query = options(model=model, face=face, start_s=start_s, duration_s=duration_s)
    return Call("POST", "/v1/jobs", _job, query, {"Idempotency-Key": secrets.token_hex(16)}, repeatable(video))


def job(job_id: str) -> Call[Job]:
    """Ask for a job."""
    return Call("GET", job_path(job_id), _job)


def cancel(job_id: str) -> Call[None]:
    """Cancel and delete a job."""
    return Call("DELETE", job_path(job_id), lambda _: None)


def id_of(job: Job | str) -> str:
    """Return a job's id."""
    return job.id if isinstance(job, Job) else job


def job_path(job_id: str) -> str:
    """Return a job's address."""
    return f"/v1/jobs/{quote(job_id, safe='')}"


def models() -> Call[tuple[Model, ...]]:
    """List the models, the default first."""
    return Call("GET", "/v1/models", lambda answer: tuple(parse(Model, each) for each in answer["models"]))


def model(name: str) -> Call[Model]:
    """Describe one model."""
    return Call("GET", f"/v1/models/{quote(name, safe='')}", lambda answer: parse(Model, answer))


def version() -> Call[str]:
    """Ask what runs there."""
    return Call("GET", "/version", lambda answer: str(answer["version"]))


def options(*, model: str, face: str, start_s: float, duration_s: float | None) -> dict[str, str | float | None]:
    """Return the options of a measurement as query parameters."""
    return {"model": model, "face": face, "start_s": start_s, "duration_s": duration_s}


def http_options(url: str, api_key: str | None, timeout_s: float) -> dict[str, Any]:
    """Return the arguments of an httpx client; a proxy of the network has no part in what this machine says to itself.

    Raises ValueError for an address that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address must be like http://127.0.0.1:8000")
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
        "timeout": httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
        "trust_env": not is_local(url),
    }


def is_local(url: str) -> bool:
    """Whether an address is this machine's own."""
    return urlsplit(url).hostname in _LOOPBACK


def read_answer(call: Call[T], response: httpx.Response) -> T:
    """Return the result. Raises the error that the answer stands for."""
    decoded = _decoded(response)
    if not response.is_success:
        raise error_of(response.status_code, decoded, retry_after_s=retry_after_s(response.headers))
    try:
        return call.read(decoded)
    except (UnexpectedShape, KeyError, TypeError) as error:
        raise ServiceFailed("unexpected_answer", response.status_code, f"the answer does not fit: {error}") from error


def transport_error(error: httpx.TransportError) -> FacePulseError:
    """Return the error for a call that got no answer."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unreachable("unreachable", detail="nothing answers at this address")
    if isinstance(error, httpx.TimeoutException):
        return TookTooLong("timeout", detail="there was no answer in time")
    return Unreachable("unreachable", detail="the connection broke off before there was an answer")


def pause_s(retries: Retries, attempt: int, error: FacePulseError) -> float | None:
    """Return how long to wait before the next attempt, or None when there should be none.

    A measurement leaves nothing behind and jobs carry an Idempotency-Key: all calls may be sent again.
    """
    again = error.status in BUSY or isinstance(error, Unreachable)
    return retries.pause_s(attempt, error.retry_after_s) if again else None


def _result(answer: Any) -> HeartRateResult:
    return parse(HeartRateResult, answer)


def _job(answer: Any) -> Job:
    return parse(Job, answer)


def _body(frames: FrameBatch) -> dict[str, Any]:
    if frames.raw:
        return {"content": frames.raw, "headers": list(frames.headers)}
    images = [("images", ("image", image)) for image in frames.images]
    return {"files": images, "data": dict(frames.fields)}


def _decoded(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None
