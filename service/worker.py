"""A worker process: the only place of the service where foreign bytes are decoded.

Started as `python -m service.worker FD CONFIG` by service.workers. It limits itself, loads and warms the models once,
and then does one task after the other; the service kills it at the deadline.
"""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from pydantic import TypeAdapter

from service import wire
from service.api.schemas import HeartRateResult
from service.logs import describe_error
from service.pipeline.errors import FacePulseError
from service.pipeline.types import DecodeLimits, Estimate, FaceChoice

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PROGRESS_EVERY_S = 0.5


class EstimatorLike(Protocol):
    """What a worker needs of `service.pipeline.estimate.Estimator`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of usable models."""
        ...

    @property
    def default(self) -> str:
        """Which one `auto` means."""
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
        progress: Callable[[float], None],
    ) -> Estimate:
        """Measure one video."""
        ...


def limit_self(config: wire.WorkerConfig) -> None:
    """Take away what a decoder never needs: memory, files, core dumps, new privileges, life after the service."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != config.parent_pid:  # it died before the line above
        os._exit(1)
    megabyte = 1024 * 1024
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, config.open_files)
    _limit(resource.RLIMIT_FSIZE, config.file_mb * megabyte)
    _limit(resource.RLIMIT_DATA, config.memory_mb * megabyte)


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _allow_cpu_time(seconds: int) -> None:
    """Let this process use so much CPU time from now on; then SIGXCPU ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


def open_estimator(spec: str, model_store: Path) -> EstimatorLike:
    """Make the estimator named `module:callable` and warm all its models."""
    module, _, name = spec.partition(":")
    estimator = cast(EstimatorLike, getattr(importlib.import_module(module), name)(model_store))
    estimator.warm()
    return estimator


def answer(
    estimator: EstimatorLike, task: wire.Task, limits: DecodeLimits, progress: Callable[[float], None]
) -> wire.Frame:
    """Do one task; every outcome becomes a frame."""
    try:
        estimate = estimator.estimate(
            Path(task.path),
            model=task.model,
            face=cast(FaceChoice, task.face),
            start_s=task.start_s,
            duration_s=task.duration_s,
            limits=limits,
            progress=progress,
        )
        body = HeartRateResult.from_estimate(estimate, all_faces=task.face == "all").model_dump_json().encode()
        return wire.Frame(wire.RESULT, body)
    except FacePulseError as error:
        return wire.Frame.of(wire.REFUSED, wire.Refusal(error.code, error.detail))
    except MemoryError as error:
        detail = "The video needs more memory than one request may use."
        return wire.Frame.of(wire.BROKEN, wire.Refusal("video_too_expensive", detail, describe_error(error)))
    except Exception as error:  # the outermost boundary of the process: whatever it was, this worker is replaced
        return wire.Frame.of(wire.BROKEN, wire.Refusal("internal_error", "", describe_error(error)))


def _progress_sender(sock: socket.socket) -> Callable[[float], None]:
    last_s = time.monotonic()

    def send(share: float) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _PROGRESS_EVERY_S:
            last_s = now_s
            sock.sendall(wire.Frame.of(wire.PROGRESS, float(share)).pack())

    return send


def serve(sock: socket.socket, config: wire.WorkerConfig) -> None:
    """Warm up, say so, then answer tasks until the service hangs up."""
    try:
        estimator = open_estimator(config.estimator, Path(config.model_store))
    except Exception as error:  # told as a frame, so that the log keeps its one form
        refusal = wire.Refusal(getattr(error, "code", "internal_error"), str(error), describe_error(error))
        sock.sendall(wire.Frame.of(wire.BROKEN, refusal).pack())
        return
    sock.sendall(wire.Frame.of(wire.READY, wire.Ready(tuple(estimator.names), estimator.default)).pack())
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)  # from here on a C library's message could quote the input
    os.close(silence)

    tasks = TypeAdapter(wire.Task)
    while True:
        task = tasks.validate_json(wire.receive_frame(sock).body)
        _allow_cpu_time(config.cpu_s)
        sock.sendall(answer(estimator, task, config.limits, _progress_sender(sock)).pack())


def main() -> None:
    """Run as a worker: arguments are the socket's file descriptor and the configuration as JSON."""
    config = TypeAdapter(wire.WorkerConfig).validate_json(sys.argv[2])
    limit_self(config)
    sock = socket.socket(fileno=int(sys.argv[1]))
    with sock, contextlib.suppress(EOFError, ConnectionError):  # the service is gone or wants us gone
        serve(sock, config)


if __name__ == "__main__":
    main()
