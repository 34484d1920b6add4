"""What can be said of compose.replicas.yaml: two replicas behind the proxy, one of them killed at work."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx

from tests.images.build import NATIVE, make_base
from tests.images.engine import Engine
from tests.images.service_checks import Started
from tests.images.table import Table
from tests.images.tools import WORK

_PROXY = "haproxy:2.6-alpine"  # as compose.replicas.yaml names it; here Debian's of the same version
_CLIENTS = 3
_BEFORE_S, _AFTER_S = 8.0, 12.0
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class _Answer:
    began_s: float
    ok: bool


def make_proxy(engine: Engine) -> None:
    """Build the proxy's image from Debian's packages, under the public one's name."""
    folder = WORK / "proxy"
    folder.mkdir(exist_ok=True)
    install = "apt-get -qq update && apt-get -qq install --yes --no-install-recommends haproxy"
    Path(folder, "Dockerfile").write_text(f"FROM {make_base(engine, NATIVE)}\nRUN {install}\n")
    engine.docker("build", "--quiet", "--network=host", f"--tag={_PROXY}", folder)


def check_proxy(service: Started, table: Table) -> None:
    """Check that the proxy is locked down as the service is."""
    proxy = _container(service.engine, "proxy")
    users = {line.split()[-1] for line in service.engine.docker("top", proxy, "-eo", "pid,uid").splitlines()[1:]}
    table.check("the proxy is nobody in particular", users == {"10001"}, f"uid {', '.join(sorted(users))}")
    written = service.engine.docker("exec", proxy, "sh", "-c", "touch /written || touch /tmp/written", check=False)
    left = service.engine.docker("exec", proxy, "sh", "-c", "ls /written /tmp/written 2>/dev/null", check=False)
    table.check("it can write nothing, so no video either", not left, written or "read-only")


def check_loss(service: Started, table: Table) -> None:
    """Check that a replica killed under load costs what it had in flight, and that it serves again when it is back."""
    other, over = _container(service.engine, "facepulse-b"), Event()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        loads = [clients.submit(_ask, service, over) for _ in range(_CLIENTS)]
        time.sleep(_BEFORE_S)
        killed_s = time.monotonic()
        service.engine.docker("kill", other)
        dead_s = time.monotonic()
        time.sleep(_AFTER_S)
        over.set()
    answers = [answer for load in loads for answer in load.result()]
    lost = [answer for answer in answers if not answer.ok]
    late = [answer for answer in lost if answer.began_s > dead_s]
    after = sum(answer.ok for answer in answers if answer.began_s > killed_s)
    said = (
        f"{len(answers) - len(lost)} answered, {after} begun afterwards; {len(lost)} lost, {len(late)} begun afterwards"
    )
    table.check("a replica killed under load costs what it had in flight", not late and after > 0, said)
    service.engine.docker("start", other)
    table.check("it serves again when it is back", _comes_back(service.engine, other), "healthy")


def _ask(service: Started, over: Event) -> list[_Answer]:
    answers = []
    while not over.is_set():
        began_s = time.monotonic()
        try:
            ok = service.post(service.key, _PATIENCE_S).status_code == httpx.codes.OK
        except httpx.TransportError:
            ok = False
        answers.append(_Answer(began_s, ok))
    return answers


def _container(engine: Engine, name: str) -> str:
    return engine.docker("ps", "--quiet", f"--filter=label=com.docker.compose.service={name}")


def _comes_back(engine: Engine, container: str) -> bool:
    for _ in range(round(_PATIENCE_S)):
        if engine.docker("inspect", "--format={{.State.Health.Status}}", container) == "healthy":
            return True
        time.sleep(1)
    return False
