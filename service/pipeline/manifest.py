"""The model contract: model_store/<name>-<version>/manifest.json, written by training and read by the service.

This class is the only one that writes or reads it. A model is opened by folder; every file's hash is checked.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.pipeline.errors import ManifestInvalid, ModelCorrupt, UnknownModel
from service.pipeline.types import NOISE_SLOPE, Calibration, InputSpec, ModelInfo

MANIFEST = "manifest.json"
ACTIVE = "active.json"
MAX_OPSET = 12  # so that runtimes as old as onnxruntime 1.7 load the model
MAX_IR_VERSION = 7
PAIR_LAGS = (1, 3)  # frames between the two that a model of pairs compares
MAX_LAG = 600  # frames that a model of windows may see at once


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _only(low: float, high: float) -> AfterValidator:
    """Take no other range: the chain does not read it from the manifest, so another one would be ignored."""

    def check(value: tuple[float, float]) -> tuple[float, float]:
        if value != (low, high):
            raise ValueError("not what this version serves")
        return value

    return AfterValidator(check)


class InputPart(_Part):
    """What goes in: float32 (T, 3, size, size), `colour` order, values in `value_range`, T frames at `fps`.

    lag, past, future: see types.InputSpec.
    """

    name: str = "frames"
    size: int = Field(default=36, ge=6, le=256)
    colour: Literal["RGB"] = "RGB"
    layout: Literal["TCHW"] = "TCHW"
    value_range: Annotated[tuple[float, float], _only(0.0, 1.0)] = (0.0, 1.0)
    fps: float = Field(gt=0)
    lag: int = Field(ge=1, le=MAX_LAG)
    past: int = Field(default=0, ge=0)
    future: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_lag(self) -> "InputPart":
        if self.lag not in PAIR_LAGS and self.lag != self.past + self.future:
            raise ValueError("lag is neither a pair's nor the sum of past and future")
        return self


class OutputPart(_Part):
    """What comes out: float32 (T - lag,); `derivative` samples are to be summed up, a `wave` is not.

    noise_slope: see types.Pulse.
    """

    name: str = "pulse"
    kind: Literal["derivative", "wave"]
    band_hz: Annotated[tuple[float, float], _only(0.7, 4.0)] = (0.7, 4.0)
    noise_slope: float = Field(default=NOISE_SLOPE, ge=0, le=4)


class TrainingPart(_Part):
    """Where the weights come from."""

    data: str
    licence: str
    recipe: str
    git_revision: str


class CalibrationPart(_Part):
    """Logistic weights from quality features to confidence; see types.Calibration."""

    bias: float
    weights: dict[str, float]


class Manifest(_Part):
    """One released model version.

    `files` maps each model file to its SHA-256; input, output and calibration are for pulse models.
    """

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    kind: Literal["pulse", "face"]
    files: dict[str, str] = Field(min_length=1)
    opset: int = Field(le=MAX_OPSET)
    ir_version: int = Field(le=MAX_IR_VERSION)
    parameters: int
    macs_per_frame: int | None = None
    input: InputPart | None = None
    output: OutputPart | None = None
    calibration: CalibrationPart | None = None
    training: TrainingPart
    metrics: dict[str, float] = Field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Name of its folder in the model store."""
        return f"{self.name}-{self.version}"

    @property
    def info(self) -> ModelInfo:
        """Name, version and the hash that stands for the model (of its first file)."""
        return ModelInfo(self.name, self.version, next(iter(self.files.values())))

    @property
    def input_spec(self) -> InputSpec:
        """The crops a pulse model wants."""
        if self.input is None:
            raise ManifestInvalid(f"{self.folder} is no pulse model")
        return InputSpec(
            size=self.input.size, fps=self.input.fps, lag=self.input.lag, past=self.input.past, future=self.input.future
        )

    def calibration_or(self, default: Calibration) -> Calibration:
        """Return the model's own calibration, or `default` where it has none."""
        if self.calibration is None:
            return default
        return Calibration(self.calibration.bias, dict(self.calibration.weights))

    def write(self, folder: Path) -> None:
        """Write manifest.json into `folder`, replacing what is there in one move."""
        replace_text(folder / MANIFEST, self.model_dump_json(indent=2, exclude_none=True) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees the old text or the new one, whole."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path, *, check_hashes: bool = True) -> Manifest:
    """Read and check the manifest of one model folder.

    Raises ManifestInvalid (missing, malformed, wrong schema) or ModelCorrupt (a file is missing or differs).
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise ManifestInvalid(f"the manifest of {folder.name} cannot be read") from error
    if manifest.folder != folder.name:
        raise ManifestInvalid(f"the manifest of {folder.name} is that of another model or version")
    if manifest.kind == "pulse" and (manifest.input is None or manifest.output is None):
        raise ManifestInvalid(f"the manifest of {folder.name} says nothing of its input or output")
    for name, expected in manifest.files.items() if check_hashes else ():
        path = folder / name
        if Path(name).name != name or not path.is_file() or file_sha256(path) != expected:
            raise ModelCorrupt(f"{name} of {folder.name} is missing or differs from its manifest")
    return manifest


class Release(_Part):
    """The models of a store that are in use together: the name that `auto` means, and every model's manifest."""

    default: str
    manifests: tuple[Manifest, ...]

    @property
    def pulse_models(self) -> tuple[Manifest, ...]:
        """The manifests of all pulse models, the default first."""
        pulse = [manifest for manifest in self.manifests if manifest.kind == "pulse"]
        return tuple(sorted(pulse, key=lambda manifest: manifest.name != self.default))


class ModelStore:
    """The folder of released models: one folder per version; active.json names the versions in use and the default.

    With a `release` it is opened as that, whatever active.json says by now.
    """

    def __init__(self, root: Path, release: Release | None = None, default: str = "") -> None:
        """Open a store. default: what `auto` means instead of the store's own. Raises ManifestInvalid."""
        self.root = root
        self._release = release
        if release is not None:
            self.default = release.default
            self.versions = {manifest.name: manifest.version for manifest in release.manifests}
            return
        try:
            active = json.loads((root / ACTIVE).read_text())
            self.default = default or str(active["default"])
            self.versions = {str(name): str(version) for name, version in active["models"].items()}
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise ManifestInvalid("active.json of the model store cannot be read") from error

    def folder(self, name: str) -> Path:
        """Return the folder of the version in use. Raises UnknownModel."""
        if name not in self.versions:
            raise UnknownModel("there is no released model of this name")
        return self.root / f"{name}-{self.versions[name]}"

    def manifest(self, name: str, *, check_hashes: bool = True) -> Manifest:
        """Read the manifest of the version in use. Raises UnknownModel, ManifestInvalid or ModelCorrupt."""
        return read_manifest(self.folder(name), check_hashes=check_hashes)

    def release(self) -> Release:
        """Return all models in use. Raises ManifestInvalid; ModelCorrupt when they are not what it was opened as."""
        manifests = tuple(self.manifest(name, check_hashes=False) for name in sorted(self.versions))
        release = Release(default=self.default, manifests=manifests)
        if self._release is not None and release != self._release:
            raise ModelCorrupt("the model store is not the one in service any more")
        return release

    def pulse_models(self) -> tuple[Manifest, ...]:
        """Return the manifests of all pulse models in use, the default first, the others by name."""
        return self.release().pulse_models
