"""A worker process: the only place of the service where foreign bytes are decoded.

Started as `python -m service.worker FD CONFIG` by service.workers. It limits itself, loads and warms the models once,
and then does one task after the other; the service kills it at the deadline.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import socket
import sys
from functools import partial

from pydantic import TypeAdapter

from service import logs, wire
from service.logs import describe_error
from service.worker_tasks import EstimatorLike, LiveSession, answer, attempt, open_estimator, pack, read_task, seldom

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


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


def _allow_cpu_time(seconds: float) -> None:
    """Let this process use so much CPU time from now on; then SIGXCPU ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(usage.ru_utime + usage.ru_stime + seconds), hard))


def serve(sock: socket.socket, config: wire.WorkerConfig) -> None:
    """Warm up, say so, then answer tasks until the service hangs up."""
    try:
        estimator = open_estimator(config)
    except Exception as error:  # told as a frame, so that the log keeps its one form
        refusal = wire.Refusal(getattr(error, "code", "internal_error"), str(error), describe_error(error))
        sock.sendall(wire.Frame.of(wire.BROKEN, refusal).pack())
        return
    sock.sendall(wire.Frame.of(wire.READY, wire.Ready(tuple(estimator.names), estimator.release)).pack())
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)  # from here on a C library's message could quote the input
    os.close(silence)

    while True:
        frame = wire.receive_frame(sock)
        if frame.kind in (wire.MESSAGE, wire.CLOSE):
            continue  # it was under way when its session was refused
        _allow_cpu_time(config.cpu_s)
        if frame.kind == wire.SESSION:
            _hold_session(sock, estimator, config, frame.body)
        else:
            _do_task(sock, estimator, config, frame)


def _do_task(sock: socket.socket, estimator: EstimatorLike, config: wire.WorkerConfig, frame: wire.Frame) -> None:
    task = read_task(frame)
    _allow_cpu_time(config.cpu_s * wire.effort(task, config.limits))
    progress = seldom(lambda done: sock.sendall(wire.Frame.of(wire.PROGRESS, done).pack()))
    sock.sendall(pack(answer(estimator, task, config.limits, progress)))


def _hold_session(sock: socket.socket, estimator: EstimatorLike, config: wire.WorkerConfig, body: bytes) -> None:
    """Answer message by message, each with CPU time of its own, until the service ends it or one is refused."""
    session = LiveSession(estimator, body, config.limits)
    reply = attempt(wire.MESSAGE, session.begin)
    sock.sendall(pack(reply))
    while reply.kind == wire.MESSAGE:
        frame = wire.receive_frame(sock)
        if frame.kind == wire.CLOSE:
            sock.sendall(wire.Frame(wire.RESULT, b"null").pack())
            return
        _allow_cpu_time(config.cpu_s)
        reply = attempt(wire.MESSAGE, partial(session.push, frame.body))
        sock.sendall(pack(reply))


def main() -> None:
    """Run as a worker: arguments are the socket's file descriptor and the configuration as JSON."""
    config = TypeAdapter(wire.WorkerConfig).validate_json(sys.argv[2])
    limit_self(config)
    logs.configure("WARNING")
    sock = socket.socket(fileno=int(sys.argv[1]))
    with sock, contextlib.suppress(EOFError, ConnectionError):  # the service is gone or wants us gone
        serve(sock, config)


if __name__ == "__main__":
    main()
