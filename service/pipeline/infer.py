"""Clips in, pulse samples out: an ONNX model run in chunks, so that a video of any length costs the same memory.

The networks are stateless: sample i depends on frames i and i + lag alone. The last `lag` frames of a clip are kept and
put before the next one, so the samples never depend on where the video was cut.
"""

from pathlib import Path

import numpy as np

from service.pipeline.errors import ManifestInvalid, ModelCorrupt
from service.pipeline.manifest import Manifest, read_manifest
from service.pipeline.session import Session
from service.pipeline.types import Bools, Calibration, Clip, Floats, InputSpec, ModelInfo, Pulse, SampleKind


class OnnxPulseModel:
    """One released model, checked against its manifest.

    Raises ManifestInvalid or ModelCorrupt when the folder is not what it says it is.
    """

    def __init__(self, folder: Path, *, default_calibration: Calibration) -> None:
        self.manifest: Manifest = read_manifest(folder)
        if self.manifest.input is None or self.manifest.output is None:
            raise ManifestInvalid(f"{folder.name} is no pulse model")
        self._session = Session(folder / next(iter(self.manifest.files)))
        if self._session.inputs != (self.manifest.input.name,) or self._session.outputs != (self.manifest.output.name,):
            raise ModelCorrupt(f"inputs or outputs of {folder.name} are not those of its manifest")
        self.input: InputSpec = self.manifest.input_spec
        self.info: ModelInfo = self.manifest.info
        self.calibration: Calibration = self.manifest.calibration_or(default_calibration)
        self.kind: SampleKind = self.manifest.output.kind
        self._try(folder.name)

    def run(self, rgb: Floats) -> Floats:
        """Return float32 (T - lag,) for float32 (T, 3, size, size), RGB in 0..1."""
        assert self.manifest.input is not None, "checked when the model was opened"
        return self._session(**{self.manifest.input.name: rgb})[0]

    def stream(self) -> "OnnxPulseStream":
        """Start on one face."""
        return OnnxPulseStream(self)

    def _try(self, folder: str) -> None:
        """Run once on black crops: crop size and lag are those of the manifest, and no request pays for a first run."""
        size, lag = self.input.size, self.input.lag
        try:
            samples = self.run(np.zeros((lag + 2, 3, size, size), np.float32))
        except Exception as error:  # onnxruntime raises a dozen unrelated types here too
            raise ModelCorrupt(f"the model of {folder} does not take the crops of its manifest") from error
        if samples.shape != (2,):
            raise ModelCorrupt(f"the model of {folder} does not give the samples of its manifest")


class OnnxPulseStream:
    """One face's way through an ONNX model."""

    def __init__(self, model: OnnxPulseModel) -> None:
        self._model = model
        self._tail: Floats | None = None
        self._samples: list[Floats] = []
        self._comparable: list[Bools] = []
        self._start_s = 0.0

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        if self._tail is None:
            self._start_s, rgb = clip.start_s, clip.rgb
        else:
            rgb = np.concatenate([self._tail, clip.rgb])
        lag = self._model.input.lag
        if len(rgb) > lag:
            self._samples.append(self._model.run(rgb))
        self._tail = rgb[-lag:].copy()
        self._comparable.append(clip.comparable)

    def finish(self) -> Pulse:
        """Return all samples; sample i stands midway between frames i and i + lag."""
        lag, fps = self._model.input.lag, self._model.input.fps
        empty = np.zeros(0, np.float32)
        samples = np.concatenate([empty, *self._samples])
        comparable = np.concatenate([np.zeros(0, np.bool_), *self._comparable])
        valid = comparable_pairs(comparable, lag) & np.isfinite(samples)
        start_s = self._start_s + (lag / 2) / fps
        return Pulse(fill_invalid(samples, valid), valid, start_s, fps, self._model.kind)


def comparable_pairs(comparable: Bools, lag: int) -> Bools:
    """Return for each pair of frames (i, i + lag) whether they may be differenced: bool (max(T - lag, 0),)."""
    broken = np.concatenate([[0], np.cumsum(~comparable)])
    pairs: Bools = broken[lag + 1 :] == broken[1:-lag]
    return pairs


def fill_invalid(samples: Floats, valid: Bools) -> Floats:
    """Replace the samples that are not valid by a line between their valid neighbours (zeros when there are none)."""
    if valid.all():
        return samples
    if not valid.any():
        return np.zeros_like(samples)
    index = np.arange(len(samples))
    filled = samples.copy()
    filled[~valid] = np.interp(index[~valid], index[valid], samples[valid])
    return filled
