"""A container engine of the proof's own: it touches no other engine and ends with the proof."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.images.tools import WORK, docker_config, run

START_S = 60.0
STOP_S = 60.0


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    host: str  # as in DOCKER_HOST

    def docker(self, *words: str | Path, check: bool = True, variables: Mapping[str, str] | None = None) -> str:
        """Run the docker command, with further environment variables, and return its standard output."""
        return run("docker", *words, check=check, env={**self._environment(), **(variables or {})})

    def exit_code(self, *words: str | Path) -> int:
        """Run the docker command and return how it ended."""
        done = subprocess.run(["docker", *words], env=self._environment(), capture_output=True, check=False)
        return done.returncode

    def _environment(self) -> dict[str, str]:
        own = {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(docker_config()), "DOCKER_BUILDKIT": "1"}
        return {**os.environ, **own}


@contextmanager
def running_engine(*, keep: bool) -> Iterator[Engine]:
    """Start an engine that touches neither the firewall nor other engines; end it by its process.

    keep: leave its images and build cache for the next time. Two would spoil each other's data, so a second one ends.
    """
    data = WORK / "engine"
    with (
        _alone(WORK / "engine.lock"),
        tempfile.TemporaryDirectory(prefix="engine-") as folder,
        (WORK / "engine.log").open("wb") as log,
    ):
        process = subprocess.Popen(_command(Path(folder), data), stdout=log, stderr=log)
        try:
            engine = Engine(f"unix://{folder}/socket")
            _wait(engine, process)
            yield engine
        finally:
            process.terminate()
            process.wait(STOP_S)
            if not keep:
                shutil.rmtree(data)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another proof of the images runs here: wait for its end") from None
        yield


def _command(folder: Path, data: Path) -> list[str]:
    closed = ["iptables", "ip6tables", "ip-forward", "ip-masq"]
    return [
        "dockerd",
        f"--host=unix://{folder}/socket",
        f"--data-root={data}",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        "--bridge=none",
        "--storage-driver=overlay2",
        *(f"--{option}=false" for option in closed),
    ]


def _wait(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < START_S and process.poll() is None:
        if engine.exit_code("version") == 0:
            return
        time.sleep(0.2)
    raise SystemExit(f"the engine did not start; it said:\n{(WORK / 'engine.log').read_text()[-2000:]}")
