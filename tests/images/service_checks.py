"""What can be said of the service as compose.yaml starts it: locked down, healthy, right, and gone when told."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.images.engine import Engine
from tests.images.image_checks import ALONE, CLIP, NEAR_TRUTH_BPM, TRUE_BPM
from tests.images.table import Table
from tests.images.tools import ROOT, WORK

STOP_S = 10.0
_KEYS = WORK / "secrets" / "keys"
_NOBODY = "10001"


@dataclass(frozen=True)
class Started:
    """The service in its container."""

    engine: Engine
    container: str
    url: str
    key: str
    healthy_s: float

    def inside(self, *words: str) -> str:
        """Return what a command prints in the container, if anything."""
        return self.engine.docker("exec", self.container, *words, check=False)

    def post(self, key: str, timeout_s: float) -> httpx.Response:
        """Send the bundled clip."""
        with CLIP.open("rb") as file:
            headers = {"Authorization": f"Bearer {key}"}
            upload = {"file": (CLIP.name, file)}
            url = f"{self.url}/v1/heart-rate"
            return httpx.post(url, files=upload, headers=headers, timeout=timeout_s, trust_env=False)


@contextmanager
def started(engine: Engine, image: str, *files: Path, changes: Mapping[str, object]) -> Iterator[Started]:
    """Start compose.yaml with further files and changes, wait until it is healthy, and take all down at the end.

    Raises:
        RuntimeError: it did not become healthy; with its log.
    """
    key = make_key(engine, image)
    own = WORK / "compose.json"
    own.write_text(
        json.dumps({"services": {"facepulse": changes}, "secrets": {"facepulse_keys": {"file": str(_KEYS)}}})
    )
    given = [word for file in (ROOT / "compose.yaml", *files, own) for word in ("--file", str(file))]
    compose = ["compose", "--project-name=facepulse-proof", *given]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {"FACEPULSE_TAG": image.split(":")[1], "FACEPULSE_PORT": str(port)}
    try:
        began = time.monotonic()
        try:
            engine.docker(*compose, "up", "--detach", "--no-build", "--wait", variables=variables)
        except RuntimeError as error:
            log = engine.docker(*compose, "logs", "--tail=40", variables=variables)
            raise RuntimeError(f"{error}\nits log:\n{log}") from error
        healthy_s = time.monotonic() - began
        container = engine.docker(*compose, "ps", "--quiet", "facepulse", variables=variables)
        yield Started(engine, container, f"http://127.0.0.1:{port}", key, healthy_s)
    finally:
        engine.docker(*compose, "down", "--volumes", "--timeout=5", check=False, variables=variables)


def make_key(engine: Engine, image: str) -> str:
    """Make a key with the image itself, as docs/operation.md says, and return it."""
    _KEYS.parent.mkdir(parents=True, exist_ok=True)
    _KEYS.unlink(missing_ok=True)
    mount = f"--volume={_KEYS.parent}:/secrets"
    words = ["keys", "new", "proof", "--file=/secrets/keys"]
    said = engine.docker("run", *ALONE, "--user=0", mount, image, *words)
    _KEYS.chmod(0o644)
    return next(word for word in said.split() if word.startswith("fp_"))


def check_answer(service: Started, table: Table, timeout_s: float = 60.0) -> None:
    """Check that the service gets healthy and measures, for who has a key."""
    table.check("compose starts it and it gets healthy", True, f"after {service.healthy_s:.1f} s")
    refused = service.post("fp_wrong", timeout_s)
    table.check("without a valid key it refuses", refused.status_code == httpx.codes.UNAUTHORIZED, refused.status_code)
    began = time.monotonic()
    answer = service.post(service.key, timeout_s)
    took_s = time.monotonic() - began
    ok = answer.status_code == httpx.codes.OK
    result = answer.json() if ok else {}
    bpm = result.get("bpm") or 0.0
    right = ok and abs(bpm - TRUE_BPM) <= NEAR_TRUTH_BPM
    said = f"{bpm:.2f} bpm, confidence {result['confidence']:.2f}" if ok else answer.text[:200]
    table.check(f"it finds the clip's {TRUE_BPM:.0f} bpm", right, f"{said}, after {took_s:.1f} s")


def check_lock(service: Started, table: Table) -> None:
    """Check user, rights, and that nothing but what is meant for it can be written."""
    processes = service.engine.docker("top", service.container, "-eo", "pid,uid").splitlines()[1:]
    users = {line.split()[1] for line in processes}
    table.check("every process is of its own user", users == {_NOBODY}, f"uid {', '.join(sorted(users))}")
    status = dict(line.split(":", 1) for line in service.inside("cat", "/proc/1/status").splitlines())
    rights = status["CapEff"].strip()
    table.check("it has no capability", int(rights, 16) == 0, rights)
    table.check("it can gain no rights", status["NoNewPrivs"].strip() == "1")
    table.check("system calls are filtered", status["Seccomp"].strip() == "2")
    script = "for folder in / /opt/facepulse /etc /usr/bin; do touch $folder/written && echo $folder; done; true"
    written = service.engine.docker("exec", "--user=0", service.container, "sh", "-c", script)
    table.check("its root cannot be written, by root neither", not written, written or "read-only")
    left = service.inside("sh", "-c", "find /uploads /tmp -type f -size +0")
    table.check("no upload is left", not left, left or "none")


def check_memory(service: Started, table: Table) -> None:
    """Note what the container takes, and that its limit holds."""
    limit = service.engine.docker("inspect", "--format={{.HostConfig.Memory}}", service.container)
    usage = service.engine.docker("stats", "--no-stream", "--format={{.MemUsage}}", service.container)
    table.check("its memory is limited", int(limit) > 0, f"{usage}, after the clip")


def check_stop(service: Started, table: Table) -> None:
    """Check that SIGTERM ends it, with exit code 0."""
    began = time.monotonic()
    service.engine.docker("kill", "--signal=TERM", service.container)
    code = service.engine.docker("wait", service.container)
    took_s = time.monotonic() - began
    table.check(
        f"SIGTERM ends it within {STOP_S:.0f} s", took_s <= STOP_S and code == "0", f"{took_s:.1f} s, code {code}"
    )
