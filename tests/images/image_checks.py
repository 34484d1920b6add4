"""What can be said of an image without starting the service."""

import json
from typing import Any

from service.api.schemas import HeartRateResult
from service.pipeline.estimate import Estimator
from service.settings import Settings
from tests.images.engine import Engine
from tests.images.table import Table
from tests.images.tools import ROOT, TOOLS

BUDGET_MB = {"amd64": 450, "arm64": 400}
CLIP = ROOT / "demo" / "astronaut.mp4"
TRUE_BPM = 72.0  # as the clip was rendered
NEAR_TRUTH_BPM = 1.0
SAME_BPM = 0.1  # between two processors
ALONE = ["--rm", "--network=none", "--no-healthcheck"]  # health checks would take half of an emulated core
OLD_PROFILE = TOOLS / "old-seccomp.json"
# What Docker 20.10.9 and older do not know and therefore forbid, among the calls that newer systems make.
_UNKNOWN_THEN = [
    "clone3",
    "futex_waitv",
    "landlock_create_ruleset",
    "memfd_secret",
    "mount_setattr",
    "process_mrelease",
]
_UNWANTED = ["pip", "pip3", "gcc", "cc", "make", "git", "curl", "apt-get", "perl"]
_FIRST_THREAD = "import threading; threading.Thread(target=print).start()"


def check_contents(engine: Engine, image: str, architecture: str, table: Table) -> None:
    """Check size, platform, labels, user, and that what built the image is not in it."""
    facts: dict[str, Any] = json.loads(engine.docker("image", "inspect", image))[0]
    size_mb = facts["Size"] / 1e6
    budget_mb = BUDGET_MB[architecture]
    table.check(f"unpacked it is at most {budget_mb} MB", size_mb <= budget_mb, f"{size_mb:.0f} MB")
    table.check("it is of the architecture", facts["Architecture"] == architecture, facts["Architecture"])
    config = facts["Config"]
    table.check("its user is not root", config["User"] == "10001:10001", config["User"])
    table.check("it carries its name", config["Labels"].get("org.opencontainers.image.title") == "FacePulse")
    table.check("its health check is the service's", config["Healthcheck"]["Test"] == ["CMD", "facepulse", "health"])
    table.check("tini is its first process", config["Entrypoint"][0] == "tini", " ".join(config["Entrypoint"]))
    look = f"for name in {' '.join(_UNWANTED)}; do command -v $name; done; find /var/cache /root/.cache -type f"
    found = shell(engine, image, look, "--user=0").split()
    table.check("no build tools, no caches", not found, " ".join(found) or "none found")


def shell(engine: Engine, image: str, script: str, *options: str) -> str:
    """Return what a shell script prints in a container without a network, whatever its exit code."""
    words = ["run", *ALONE, *options, "--entrypoint=sh", image, "-c", f"{script}; true"]
    return engine.docker(*words)


def check_old_profile(engine: Engine, image: str, table: Table) -> None:
    """Check that the old seccomp profile forbids threads and that the entry script gets round it."""
    write_old_profile()
    plain = ["run", *ALONE, f"--security-opt=seccomp={OLD_PROFILE}", "--entrypoint"]
    python = ["/opt/facepulse/bin/python3", image, "-c", _FIRST_THREAD]
    table.check("the old seccomp profile alone forbids threads", engine.exit_code(*plain, *python) != 0)
    wrapped = ["clone3", image, "/opt/facepulse/bin/python3", "-c", _FIRST_THREAD]
    table.check("through clone3 they start", engine.exit_code(*plain, *wrapped) == 0)


def write_old_profile() -> None:
    """Write a profile that answers EPERM as the old engine's does."""
    rule = {"names": _UNKNOWN_THEN, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    OLD_PROFILE.parent.mkdir(parents=True, exist_ok=True)
    OLD_PROFILE.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))


def check_models(engine: Engine, image: str, table: Table, *options: str) -> None:
    """Check that each model finds in the bundled clip what it finds on this machine."""
    estimator = Estimator(Settings().model_store)
    mount = f"--volume={CLIP.parent}:/clips:ro"
    for manifest in estimator.store.pulse_models():
        here = HeartRateResult.from_estimate(estimator.estimate(CLIP, model=manifest.name), all_faces=False).bpm
        words = ["estimate", f"/clips/{CLIP.name}", "--json", f"--model={manifest.name}"]
        result = json.loads(engine.docker("run", *ALONE, mount, *options, image, *words))
        there = result["bpm"]
        same = abs(there - here) <= SAME_BPM
        table.check(f"{manifest.name} finds the same as here", same, f"{there:.2f} bpm, here {here:.2f}")
