"""`python -m tests.images [amd64|arm64] [--keep]`: build the service's image and prove that it works."""

import argparse
import sys
import time
from collections.abc import Mapping

from tests.images import emulation, image_checks, replica_checks, service_checks
from tests.images.build import build_service
from tests.images.engine import Engine, running_engine
from tests.images.image_checks import OLD_PROFILE
from tests.images.table import Table
from tests.images.tools import ROOT, WORK, install

JETSON = ROOT / "compose.jetson.yaml"
REPLICAS = ROOT / "compose.replicas.yaml"


def main() -> int:
    """Prove one architecture; 0 when all checks pass."""
    parser = argparse.ArgumentParser(prog="python -m tests.images", description=__doc__)
    parser.add_argument("architecture", choices=("amd64", "arm64"), nargs="?", default="amd64")
    parser.add_argument("--keep", action="store_true", help="keep the engine's images and build cache")
    arguments = parser.parse_args()
    table = Table()
    WORK.mkdir(parents=True, exist_ok=True)
    install()
    with running_engine(keep=arguments.keep) as engine:
        if arguments.architecture == "arm64":
            with emulation.registered():
                prove_arm64(engine, table)
        else:
            prove_amd64(engine, table)
    print(table.markdown())
    return 1 if table.failed else 0


def prove_amd64(engine: Engine, table: Table) -> None:
    """Check the image, the service as on a server, and as on a Jetson Nano's old engine."""
    table.begin("image")
    image = _built(engine, "amd64", table)
    image_checks.check_contents(engine, image, "amd64", table)
    image_checks.check_models(engine, image, table)
    table.begin("server")
    with service_checks.started(engine, image, changes={}) as service:
        service_checks.check_answer(service, table)
        service_checks.check_lock(service, table)
        service_checks.check_memory(service, table)
        service_checks.check_stop(service, table)
    _prove_replicas(engine, image, table)
    table.begin("old engine")
    image_checks.check_old_profile(engine, image, table)
    old = {"security_opt": [f"seccomp:{OLD_PROFILE}"]}
    _prove_nano(engine, image, table, changes=old)


def prove_arm64(engine: Engine, table: Table) -> None:
    """Check the image and the service on an emulated Cortex-A57, which is the Nano's.

    Not the old engine's filter: it would meet QEMU's system calls, which are amd64's, and not the service's.
    """
    table.begin("image")
    image = _built(engine, "arm64", table)
    image_checks.check_contents(engine, image, "arm64", table)
    image_checks.check_models(engine, image, table, *(f"--env={pair}" for pair in emulation.ENVIRONMENT))
    environment = [*emulation.ENVIRONMENT, *emulation.PATIENCE]
    _prove_nano(engine, image, table, changes={"environment": environment, "healthcheck": emulation.HEALTH})


def _prove_nano(engine: Engine, image: str, table: Table, changes: Mapping[str, object]) -> None:
    table.begin("as on a Nano")
    with service_checks.started(engine, image, JETSON, changes=changes) as service:
        service_checks.check_answer(service, table, timeout_s=600)
        service_checks.check_lock(service, table)
        service_checks.check_memory(service, table)
        service_checks.check_stop(service, table)


def _prove_replicas(engine: Engine, image: str, table: Table) -> None:
    table.begin("two replicas")
    replica_checks.make_proxy(engine)
    with service_checks.started(engine, image, REPLICAS, changes={}) as service:
        service_checks.check_answer(service, table)
        replica_checks.check_proxy(service, table)
        replica_checks.check_loss(service, table)


def _built(engine: Engine, architecture: str, table: Table) -> str:
    began = time.monotonic()
    image = build_service(engine, architecture)
    table.check("it can be built without a registry", True, f"{time.monotonic() - began:.0f} s")
    return image


if __name__ == "__main__":
    sys.exit(main())
