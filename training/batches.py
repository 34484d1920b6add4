"""Clips of a cache as batches for the networks: order and target."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.signal import butter, sosfiltfilt
from torch import Tensor

from service.pipeline.infer import comparable_pairs
from service.pipeline.pulse import BAND_HZ
from service.pipeline.types import Bools, Floats, InputSpec, SampleKind
from training.augment import augment
from training.clips import ClipFolder, ClipsInvalid, TrainingClip
from training.config import AugmentConfig
from training.parallel import Team

_FLAT_PPG = 1e-6  # a clip without a pulse has the target zero, not amplified rounding errors


@dataclass(frozen=True, slots=True)
class Batch:
    """B clips of T frames.

    rgb: float32 (B, T, 3, size, size); target, valid: (B, T - lag), what the network is to say, of unit standard
    deviation, and whether that counts; bpm: float32 (B,), the true heart rate. For a network of pairs the target is the
    change of the pulse and counts where its frames may be differenced. For one of windows it is the pulse itself or its
    change around the sample's frame, and rgb has the clip's ends repeated, as the service does it.
    """

    rgb: Tensor
    target: Tensor
    valid: Tensor
    bpm: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`."""
        return Batch(*(t.to(device) for t in (self.rgb, self.target, self.valid, self.bpm)))


def pulse_change(ppg: Floats, fps: float, lag: int) -> Floats:
    """Return ppg[i + lag] - ppg[i], (T - lag,), of the wave band-passed to 0.7-4 Hz, with unit standard deviation."""
    band = _in_band(ppg, fps)
    return _unit(band[lag:] - band[:-lag])


def pulse_wave(ppg: Floats, fps: float) -> Floats:
    """Return the wave (T,) band-passed to 0.7-4 Hz, with unit standard deviation."""
    return _unit(_in_band(ppg, fps))


def pulse_slope(ppg: Floats, fps: float) -> Floats:
    """Return (ppg[i + 1] - ppg[i - 1]) / 2, (T,), of the wave band-passed to 0.7-4 Hz, with unit standard deviation."""
    return _unit(np.asarray(np.gradient(_in_band(ppg, fps)), np.float32))


def _in_band(ppg: Floats, fps: float) -> Floats:
    if ppg.std() < _FLAT_PPG:
        return np.zeros_like(ppg)
    filtered = sosfiltfilt(butter(2, BAND_HZ, "bandpass", fs=fps, output="sos"), ppg - ppg.mean())
    return np.asarray(filtered, np.float32)


def _unit(wave: Floats) -> Floats:
    return np.asarray(wave / max(float(wave.std()), _FLAT_PPG), np.float32)


def collate(clips: list[TrainingClip], spec: InputSpec, kind: SampleKind = "wave") -> Batch:
    """Return clips of one length as a batch. Raises ClipsInvalid when a clip has another frame rate.

    kind: what a network of windows says; one of pairs can but say changes.
    """
    for clip in clips:
        if abs(float(clip.meta["fps"]) - spec.fps) > 1e-3:
            raise ClipsInvalid(f"a clip of {clip.meta['fps']} frames per second where {spec.fps} are trained")
    rows = [_windowed_row(clip, spec, kind) if spec.windowed else _paired_row(clip, spec) for clip in clips]
    rgb, target, valid = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
    return Batch(rgb, target, valid, torch.tensor([float(clip.meta["bpm"]) for clip in clips]))


def _paired_row(clip: TrainingClip, spec: InputSpec) -> tuple[Floats, Floats, Bools]:
    return clip.rgb, pulse_change(clip.ppg, spec.fps, spec.lag), comparable_pairs(clip.comparable, spec.lag)


def _windowed_row(clip: TrainingClip, spec: InputSpec, kind: SampleKind) -> tuple[Floats, Floats, Bools]:
    """Keep the longest piece without a break; around it, and around the clip, its ends are repeated."""
    count = len(clip.ppg)
    bounds = [0, *(np.flatnonzero(~clip.comparable[1:]) + 1).tolist(), count]
    begin, end = max(pairwise(bounds), key=lambda piece: piece[1] - piece[0])
    index = np.clip(np.arange(-spec.past, count + spec.future), begin, end - 1)
    inside = np.arange(count)
    target = (pulse_wave if kind == "wave" else pulse_slope)(clip.ppg, spec.fps)
    return clip.rgb[index], target, (inside >= begin) & (inside < end)


class TrainingBatches:
    """An endless row of augmented batches; each epoch takes in the shards that have appeared since the last.

    Order and augmentation depend on the seed, the epoch and the place in it alone, so `state` is enough to go on
    exactly where a run was interrupted. Of several processes each gets its own clips of every batch.
    """

    def __init__(
        self,
        folder: ClipFolder,
        *,
        spec: InputSpec,
        batch_clips: int,
        seed: int,
        kind: SampleKind = "wave",
        team: Team | None = None,
    ) -> None:
        self._folder, self._spec, self._batch_clips, self._seed, self._kind = folder, spec, batch_clips, seed, kind
        self._team = team or Team()
        if batch_clips % self._team.size:
            raise ClipsInvalid(f"{batch_clips} clips a step cannot be shared by {self._team.size} processes")
        self._augment = AugmentConfig()
        self._epoch, self._place = -1, 0
        self._shards: list[str] = []
        self._order: list[list[tuple[str, int]]] = []

    def augmented_by(self, config: AugmentConfig) -> "TrainingBatches":
        """Set the augmentation and return self."""
        self._augment = config
        return self

    def state(self) -> dict[str, Any]:
        """Return where the row stands."""
        return {"epoch": self._epoch, "place": self._place, "shards": self._shards}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken; where shards have been removed since, with a new epoch."""
        self._epoch, self._place = int(state["epoch"]), int(state["place"])
        self._shards = list(state["shards"])
        gone = set(self._shards) - set(self._folder.shards())
        self._order = [] if gone or self._epoch < 0 else self._shuffled()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._place >= len(self._order):
            self._begin_epoch()
        batch, place = self._order[self._place], self._place
        self._place += 1
        own = range(self._team.rank, len(batch), self._team.size)
        return collate([self._augmented(batch[i], (place, i)) for i in own], self._spec, self._kind)

    def _augmented(self, address: tuple[str, int], place: tuple[int, int]) -> TrainingClip:
        rng = np.random.default_rng((self._seed, self._epoch, *place))
        return augment(self._folder.read(address), self._augment, rng)

    def _begin_epoch(self) -> None:
        self._epoch, self._place = self._epoch + 1, 0
        self._shards = self._team.told(self._folder.shards())
        self._order = self._shuffled()
        if not self._order:
            raise ClipsInvalid(f"too few clips of one length for a batch of {self._batch_clips}")

    def _shuffled(self) -> list[list[tuple[str, int]]]:
        """Deal the clips into batches of one length; what is left over waits for the next epoch."""
        rng = np.random.default_rng((self._seed, self._epoch))
        addresses = self._folder.addresses(self._shards)
        by_length: dict[int, list[tuple[str, int]]] = {}
        for i in rng.permutation(len(addresses)):
            by_length.setdefault(self._folder.frames(addresses[i]), []).append(addresses[i])
        size = self._batch_clips
        batches = [same[at : at + size] for same in by_length.values() for at in range(0, len(same) - size + 1, size)]
        return [batches[i] for i in rng.permutation(len(batches))]


def plain_batches(
    folder: ClipFolder, *, spec: InputSpec, batch_clips: int, limit: int, kind: SampleKind = "wave"
) -> Iterator[Batch]:
    """Return at most `limit` clips, evenly from the whole folder and as they are, as batches."""
    addresses = folder.addresses()
    chosen = addresses[:: max(1, len(addresses) // limit)][:limit]
    for start in range(0, len(chosen), batch_clips):
        clips = [folder.read(address) for address in chosen[start : start + batch_clips]]
        yield collate(clips, spec, kind)
