"""Entering released versions into the model store; service.pipeline.manifest reads it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from service.pipeline.manifest import ACTIVE, Manifest, replace_text


def activate(store: Path, name: str, version: str, *, default: str | None = None) -> None:
    """Name the version in use in active.json, which is created where there is none.

    default: the name of the service's default model from now on; without it the default stays, and is `name` where
    there is none yet.
    """
    path, active = store / ACTIVE, _read(store)
    chosen = default or active.get("default", name)
    active = {"default": chosen, "models": {**active.get("models", {}), name: version}}
    replace_text(path, json.dumps(active, indent=2, sort_keys=True) + "\n")


def default_of(store: Path) -> str | None:
    """Return the name of the default model, None where the store names none yet."""
    default: str | None = _read(store).get("default")
    return default


def model_bytes(folder: Path, manifest: Manifest) -> int:
    """Return the size of a released model's files."""
    return sum((folder / name).stat().st_size for name in manifest.files)


def git_revision() -> str:
    """Return the commit that this code was run from, `unknown` outside a git checkout."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _read(store: Path) -> dict[str, Any]:
    path = store / ACTIVE
    active: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return active
