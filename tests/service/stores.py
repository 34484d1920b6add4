"""Model stores for tests of who serves what: manifests with a file each that no runtime has to open."""

import json
from pathlib import Path

from service.pipeline.manifest import InputPart, Manifest, OutputPart, TrainingPart, file_sha256


def write_version(store: Path, version: str, *, name: str = "student", corrupt: bool = False) -> Path:
    """Write a model folder; `corrupt`: its file is not what the manifest says."""
    folder = store / f"{name}-{version}"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_text(version)
    Manifest(
        name=name,
        version=version,
        kind="pulse",
        files={"model.onnx": "0" * 64 if corrupt else file_sha256(folder / "model.onnx")},
        opset=12,
        ir_version=7,
        parameters=1,
        input=InputPart(fps=30, lag=1),
        output=OutputPart(kind="derivative"),
        training=TrainingPart(data="none", licence="Apache-2.0", recipe="by hand", git_revision="none"),
    ).write(folder)
    return folder


def activate(store: Path, version: str, *, name: str = "student") -> None:
    """Make a version the one in use, and the default."""
    (store / "active.json").write_text(json.dumps({"default": name, "models": {name: version}}))
