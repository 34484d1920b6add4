"""The worker process itself: what it takes away from itself, and how it speaks without the pool."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic_core import to_json

from service import wire
from service.pipeline.types import DecodeLimits
from tests.service.standin import SPEC


@contextmanager
def worker(folder: Path, cpu_s: int = 60) -> Iterator[socket.socket]:
    """Start a worker and give its socket."""
    ours, theirs = socket.socketpair()
    chosen = wire.WorkerConfig(str(folder), DecodeLimits(), os.getpid(), estimator=SPEC, cpu_s=cpu_s)
    command = [sys.executable, "-m", "service.worker", str(theirs.fileno()), to_json(chosen).decode()]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        ours.settimeout(60)
        try:
            assert wire.receive_frame(ours).kind == wire.READY
            yield ours
        finally:
            ours.close()
            assert process.wait(20) == 0


def ask(sock: socket.socket, frame: wire.Frame) -> wire.Frame:
    sock.sendall(frame.pack())
    return wire.receive_frame(sock)


def test_a_session_is_a_word_for_every_word(tmp_path: Path) -> None:
    with worker(tmp_path) as sock:
        assert ask(sock, wire.Frame.of_task(wire.SessionTask())) == wire.Frame(wire.MESSAGE, b"")
        assert ask(sock, wire.Frame(wire.MESSAGE, b"hush")).body == b""
        assert ask(sock, wire.Frame(wire.MESSAGE, b"say x")).body == b"2 x"
        assert ask(sock, wire.Frame(wire.CLOSE, b"")).kind == wire.RESULT


def test_what_was_under_way_when_a_session_was_refused_is_dropped(tmp_path: Path) -> None:
    with worker(tmp_path) as sock:
        assert ask(sock, wire.Frame.of_task(wire.SessionTask("nonsense"))).kind == wire.REFUSED
        sock.sendall(wire.Frame(wire.MESSAGE, b"say x").pack() + wire.Frame(wire.CLOSE, b"").pack())
        assert ask(sock, wire.Frame.of_task(wire.SessionTask())) == wire.Frame(wire.MESSAGE, b"")


def test_it_ends_when_the_service_is_gone(tmp_path: Path) -> None:
    with worker(tmp_path):
        pass


def test_cpu_time_is_renewed_with_every_message(tmp_path: Path) -> None:
    with worker(tmp_path, cpu_s=1) as sock:
        ask(sock, wire.Frame.of_task(wire.SessionTask()))
        for _ in range(5):
            assert ask(sock, wire.Frame(wire.MESSAGE, b"work 0.5")).kind == wire.MESSAGE
