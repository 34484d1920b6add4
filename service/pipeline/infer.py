"""Clips in, pulse samples out: an ONNX model run in chunks, so that a network takes the same memory for any length.

The networks are stateless: a sample depends on lag + 1 consecutive frames alone. The last `lag` frames of a clip are
kept and put before the next one, so the samples never depend on where the video was cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from service.pipeline.errors import ManifestInvalid, ModelCorrupt
from service.pipeline.manifest import Manifest, read_manifest
from service.pipeline.session import Session
from service.pipeline.types import (
    Bools,
    Calibration,
    Clip,
    Floats,
    InputSpec,
    ModelInfo,
    Pulse,
    PulseStream,
    SampleKind,
)

WINDOW_CHUNK = 256  # frames that a model of windows takes at once: each run computes `lag` frames anew


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
        self.noise_slope: float = self.manifest.output.noise_slope
        self._try(folder.name)

    def run(self, rgb: Floats) -> Floats:
        """Return float32 (T - lag,) for float32 (T, 3, size, size), RGB in 0..1."""
        assert self.manifest.input is not None, "checked when the model was opened"
        return self._session(**{self.manifest.input.name: rgb})[0]

    def stream(self) -> PulseStream:
        """Start on one face."""
        return WindowStream(self) if self.input.windowed else PairStream(self)

    def _try(self, folder: str) -> None:
        """Run once on black crops: crop size and lag are those of the manifest, and no request pays for a first run."""
        size, lag = self.input.size, self.input.lag
        try:
            samples = self.run(np.zeros((lag + 2, 3, size, size), np.float32))
        except Exception as error:  # onnxruntime raises a dozen unrelated types here too
            raise ModelCorrupt(f"the model of {folder} does not take the crops of its manifest") from error
        if samples.shape != (2,):
            raise ModelCorrupt(f"the model of {folder} does not give the samples of its manifest")


class PairStream:
    """One face's way through a model of pairs of frames."""

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
        return Pulse(fill_invalid(samples, valid), valid, start_s, fps, self._model.kind, self._model.noise_slope)

    def forget(self, count: int) -> None:
        """Drop the first samples; those that stay do not change."""
        if self._samples:
            self._samples = [np.concatenate(self._samples)[count:].copy()]
            self._comparable = [np.concatenate(self._comparable)[count:].copy()]
            self._start_s += count / self._model.input.fps


class WindowStream:
    """One face's way through a model of windows: a sample per frame.

    Where frames must not be compared the video is cut, and each piece is run alone, its first frame repeated before it
    and its last behind it: to the model nothing happens there. Pieces of less than a second say nothing.
    """

    def __init__(self, model: OnnxPulseModel) -> None:
        self._model = model
        self._spec = model.input
        self._waiting: Floats | None = None  # the piece's last `lag` frames and those that no sample stands for yet
        self._samples: list[Floats] = []
        self._pieces: list[_Piece] = []
        self._forgotten = 0  # samples to come that nobody wants
        self._start_s: float | None = None

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        if self._start_s is None:
            self._start_s = clip.start_s
        for piece, begins in _pieces(clip):
            if begins or self._waiting is None:
                self._begin(piece[:1])
            assert self._waiting is not None, "a piece has begun"
            self._waiting = np.concatenate([self._waiting, piece])
            self._pieces[-1].frames += len(piece)
            self._pieces[-1].kept += len(piece)
            if len(self._waiting) >= self._spec.lag + WINDOW_CHUNK:
                self._add(self._model.run(self._waiting))
                self._waiting = self._waiting[-self._spec.lag :].copy()

    def finish(self) -> Pulse:
        """Return a sample per frame pushed; more may follow, and change the last `future` samples.

        Those before are kept, and their frames are not run again.
        """
        rest = self._keep_settled(self._rest())
        samples = np.concatenate([*self._samples, rest])[self._forgotten :]
        long_enough = np.array([self._says_something(piece) for piece in self._pieces], np.bool_)
        valid = np.repeat(long_enough, [piece.kept for piece in self._pieces]) & np.isfinite(samples)
        start_s = self._start_s or 0.0
        return Pulse(
            fill_invalid(samples, valid), valid, start_s, self._spec.fps, self._model.kind, self._model.noise_slope
        )

    def forget(self, count: int) -> None:
        """Drop the first samples; those that stay do not change."""
        if self._start_s is None:
            return
        self._forgotten += count
        self._start_s += count / self._spec.fps
        self._add(np.zeros(0, np.float32))
        while self._pieces and count >= self._pieces[0].kept and len(self._pieces) > 1:
            count -= self._pieces.pop(0).kept
        if self._pieces:
            self._pieces[0].kept -= count

    def _says_something(self, piece: "_Piece") -> bool:
        return piece.frames >= self._spec.fps

    def _begin(self, first: Floats) -> None:
        self._add(self._rest())
        self._waiting = np.repeat(first, self._spec.past, axis=0)
        self._pieces.append(_Piece())

    def _add(self, samples: Floats) -> None:
        """Keep samples but for those that are forgotten already."""
        have = np.concatenate([*self._samples, samples]) if self._forgotten else samples
        if self._forgotten:
            self._samples = []
            have, self._forgotten = have[self._forgotten :], max(self._forgotten - len(have), 0)
        self._samples.append(have)

    def _keep_settled(self, rest: Floats) -> Floats:
        """Keep those of the waiting frames' samples that nothing can change any more; return the others.

        So that live video, which asks once a second, runs no frame again but those that a window needs.
        """
        if self._waiting is None or len(self._waiting) <= self._spec.lag or not self._says_something(self._pieces[-1]):
            return rest
        count = len(self._waiting) - self._spec.lag
        self._add(rest[:count])
        self._waiting = self._waiting[count:].copy()
        return rest[count:]

    def _rest(self) -> Floats:
        """Return the samples of the frames that wait, as if the piece ended with the last.

        A piece that says nothing is not run: frames that come too slowly would cost a window each.
        """
        if self._waiting is None:
            return np.zeros(0, np.float32)
        if not self._says_something(self._pieces[-1]):
            return np.zeros(len(self._waiting) - self._spec.past, np.float32)
        return self._model.run(np.concatenate([self._waiting, np.repeat(self._waiting[-1:], self._spec.future, 0)]))


@dataclass(slots=True)
class _Piece:
    """A piece between two cuts: its frames, and for how many of them a sample is still wanted."""

    frames: int = 0
    kept: int = 0


def _pieces(clip: Clip) -> Iterator[tuple[Floats, bool]]:
    """Yield the clip cut where frames must not be compared, and whether a piece begins with a cut."""
    cuts = np.flatnonzero(~clip.comparable)
    bounds = [0, *cuts[cuts > 0].tolist(), len(clip.rgb)]
    for begin, end in pairwise(bounds):
        if end > begin:
            yield clip.rgb[begin:end], not clip.comparable[begin]


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
