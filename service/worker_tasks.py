"""What a worker does with a task: the estimator it opens, and how every outcome becomes a frame."""

import dataclasses
import importlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from pydantic import TypeAdapter

from service import wire
from service.api.schemas import HeartRateResult
from service.logs import describe_error
from service.pipeline.answers import Estimate
from service.pipeline.errors import FacePulseError
from service.pipeline.images import FrameBatch
from service.pipeline.manifest import Release
from service.pipeline.progress import Progress
from service.pipeline.types import Box, DecodeLimits, FaceChoice

_PROGRESS_EVERY_S = 0.5
_TASKS: dict[bytes, TypeAdapter[wire.Task]] = {
    wire.VIDEO: TypeAdapter(wire.VideoTask),
    wire.FRAMES: TypeAdapter(wire.FramesTask),
}


class LiveLike(Protocol):
    """A live measurement."""

    def push(self, message: bytes) -> bytes | None:
        """Take a message of the client, return an update for it (JSON), None when there is nothing to say yet."""
        ...


class EstimatorLike(Protocol):
    """What a worker needs of `service.pipeline.estimate.Estimator`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of usable models."""
        ...

    @property
    def release(self) -> Release:
        """The models that it opened from the store. Raises ManifestInvalid or ModelCorrupt when they are others now."""
        ...

    def warm(self) -> None:
        """Load all models."""
        ...

    def estimate(
        self,
        path: Path,
        *,
        model: str,
        face: FaceChoice,
        start_s: float,
        duration_s: float | None,
        limits: DecodeLimits,
        progress: Callable[[Progress], None],
    ) -> Estimate:
        """Measure one video."""
        ...

    def estimate_frames(
        self, batch: FrameBatch, *, cropped: bool, model: str, face: FaceChoice, limits: DecodeLimits
    ) -> Estimate:
        """Measure one batch of frames."""
        ...

    def live(self, *, model: str, face_box: Box | None, limits: DecodeLimits) -> LiveLike:
        """Begin a live measurement."""
        ...


def open_estimator(config: wire.WorkerConfig) -> EstimatorLike:
    """Make the estimator and warm all its models. Raises ModelError, UnknownModel or whatever it raises."""
    module, _, name = config.estimator.partition(":")
    make = getattr(importlib.import_module(module), name)
    estimator = cast(EstimatorLike, make(Path(config.model_store), config.release, config.default_model))
    estimator.warm()
    return estimator


def read_task(frame: wire.Frame) -> wire.Task:
    """Return the task in a frame. Raises ValidationError or KeyError for what is none."""
    return _TASKS[frame.kind].validate_json(frame.body)


def limits_of(task: wire.Task, limits: DecodeLimits) -> DecodeLimits:
    """Return what the task's input may cost: a long video's task brings its own longest duration."""
    if not isinstance(task, wire.VideoTask) or task.max_duration_s is None:
        return limits
    return dataclasses.replace(limits, max_duration_s=task.max_duration_s)


def answer(
    estimator: EstimatorLike,
    task: wire.Task,
    limits: DecodeLimits,
    progress: Callable[[wire.Progress], None],
) -> wire.Frame:
    """Do one task; every outcome becomes a frame."""
    limits = limits_of(task, limits)
    if isinstance(task, wire.VideoTask):
        return attempt(wire.RESULT, lambda: _measure_video(estimator, task, limits, progress))
    return attempt(wire.RESULT, lambda: _measure_frames(estimator, task, limits))


class LiveSession:
    """The worker's end of a session."""

    def __init__(self, estimator: EstimatorLike, task: bytes, limits: DecodeLimits) -> None:
        self._estimator = estimator
        self._task: wire.SessionTask = TypeAdapter(wire.SessionTask).validate_json(task)
        self._limits = limits
        self._live: LiveLike | None = None

    def begin(self) -> bytes:
        """Open the live measurement; there is nothing to say yet. Raises FacePulseError."""
        face_box = None if self._task.face_box is None else Box(*self._task.face_box)
        limits = self._task.limits or self._limits
        self._live = self._estimator.live(model=self._task.model, face_box=face_box, limits=limits)
        return b""

    def push(self, message: bytes) -> bytes:
        """Return the update for a message, or no bytes. Raises FacePulseError."""
        assert self._live is not None, "it has begun"
        return self._live.push(message) or b""


def attempt(kind: bytes, work: Callable[[], bytes]) -> wire.Frame:
    """Do something with foreign bytes: what it returns becomes a frame of this kind, and so does every error."""
    try:
        return wire.Frame(kind, work())
    except FacePulseError as error:
        return wire.Frame.of(wire.REFUSED, wire.Refusal(error.code, error.detail))
    except MemoryError as error:
        detail = "The video needs more memory than one request may use."
        return wire.Frame.of(wire.BROKEN, wire.Refusal("video_too_expensive", detail, describe_error(error)))
    except Exception as error:  # the outermost boundary of the process: whatever it was, this worker is replaced
        return wire.Frame.of(wire.BROKEN, wire.Refusal("internal_error", "", describe_error(error)))


def pack(frame: wire.Frame) -> bytes:
    """Return the frame's bytes; an answer too large to send becomes a refusal that says so."""
    try:
        return frame.pack()
    except wire.MessageTooLarge:
        return wire.Frame.of(wire.REFUSED, wire.Refusal("answer_too_large", "")).pack()


def _measure_video(
    estimator: EstimatorLike, task: wire.VideoTask, limits: DecodeLimits, progress: Callable[[wire.Progress], None]
) -> bytes:
    estimate = estimator.estimate(
        Path(task.path),
        model=task.model,
        face=cast(FaceChoice, task.face),
        start_s=task.start_s,
        duration_s=task.duration_s,
        limits=limits,
        progress=lambda done: progress(_progress(done)),
    )
    return _result(estimate, task.face)


def _measure_frames(estimator: EstimatorLike, task: wire.FramesTask, limits: DecodeLimits) -> bytes:
    batch = FrameBatch(Path(task.path), task.timestamps_s, task.form, task.width, task.height, task.offsets)
    face = cast(FaceChoice, task.face)
    estimate = estimator.estimate_frames(batch, cropped=task.cropped, model=task.model, face=face, limits=limits)
    return _result(estimate, task.face)


def _result(estimate: Estimate, face: str) -> bytes:
    return HeartRateResult.from_estimate(estimate, all_faces=face == "all").model_dump_json().encode()


def _progress(done: Progress) -> wire.Progress:
    bpm, confidence = _finite(done.bpm), _finite(done.confidence)
    return wire.Progress(done.share, bpm, None if bpm is None else confidence)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def seldom(send: Callable[[wire.Progress], None]) -> Callable[[wire.Progress], None]:
    """Return `send` that lets one progress through every half second."""
    last_s = time.monotonic()

    def send_if_time(progress: wire.Progress) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _PROGRESS_EVERY_S:
            last_s = now_s
            send(progress)

    return send_if_time
