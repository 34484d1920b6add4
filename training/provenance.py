"""Where a table comes from: what every one of them ends with."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from training.store import git_revision

_CPUINFO = Path("/proc/cpuinfo")


def machine() -> str:
    """Return processor, cores, system, and the versions that figures may depend on."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return (
        f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"onnxruntime {onnxruntime.__version__}"
    )


def provenance(module: str, arguments: Sequence[str] | None, seed: int | None, revisions: Sequence[str] = ()) -> str:
    """Return a paragraph: command, seed, git revision, machine. revisions: those at which the scores were made.

    Where the faces lay on this machine is nothing to its readers: the folder is called FACES.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    words = ["FACES" if before == "--faces" else word for before, word in zip(["", *words], words, strict=False)]
    command = shlex.join(["python", "-m", module, *words])
    made = ", ".join(revision[:12] for revision in revisions) or git_revision()[:12]
    drawn = "" if seed is None else f" seed {seed},"
    return f"Made by `{command}`,{drawn} scores at revision {made}, tables at {git_revision()[:12]}; {machine()}."
