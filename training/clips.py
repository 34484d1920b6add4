"""The cache of clips: what preparation and the renderer write and what training reads.

A cache is a folder of shards, a shard is a folder of four files, all with one row (line) per clip:

    shard-<tag>-<number>/crops.npy       uint16 (N, T, 3, size, size), RGB in 0..1 times 65535
                         ppg.npy         float32 (N, T), the pulse wave at the crops' times; up means more blood
                         comparable.npy  bool (N, T), False where frame i must not be differenced with frame i - 1
                         clips.jsonl     recipe, bpm, person, fps ... of each clip

Sixteen bits because eight would round the pulse away, which is 0.2 to 2 % of a pixel. A shard appears by one rename,
so training may read a cache that is still being written, and many writers (each its own tag) may fill it at once.
"""

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.pipeline.types import Bools, Floats

MAX_UINT16 = 65535
_SHARD = "shard-"
_PARTIAL = ".partial-"

Codes = NDArray[np.uint16]


class ClipsInvalid(Exception):
    """A clip or a shard does not have the form that this module describes."""


@dataclass(frozen=True, slots=True)
class TrainingClip:
    """One clip of a cache.

    rgb: float32 (T, 3, size, size) in 0..1; ppg: float32 (T,); comparable: bool (T,).
    meta: at least `bpm` (float), `person` (str) and `fps` (float); whatever else the writer noted (its recipe).
    """

    rgb: Floats
    ppg: Floats
    comparable: Bools
    meta: Mapping[str, Any]


class ClipWriter:
    """Collects clips and writes them to the cache, `clips_per_shard` at a time; the rest on leaving its `with`.

    tag: whose shards they are, a word without a hyphen; a writer of the same tag later adds to them, or puts its own in
    their place if `replace`.
    """

    def __init__(
        self, folder: Path, *, clips_per_shard: int = 64, tag: str | None = None, replace: bool = False
    ) -> None:
        self._folder = folder
        self._tag = tag or uuid.uuid4().hex[:8]
        self._clips_per_shard = clips_per_shard
        self._clips: list[tuple[Codes, Floats, Bools, str]] = []
        folder.mkdir(parents=True, exist_ok=True)
        before = list(folder.glob(f"{_SHARD}{self._tag}-*"))
        for path in before if replace else []:
            shutil.rmtree(path)
        taken = [] if replace else [int(path.name.rsplit("-", 1)[1]) for path in before]
        self._next = max(taken, default=-1) + 1

    def add(self, rgb: Floats, ppg: Floats, comparable: Bools, meta: Mapping[str, Any]) -> None:
        """Add one clip (see TrainingClip). All clips of a shard have the same T. Raises ClipsInvalid."""
        _check(rgb, ppg, comparable, meta)
        codes = np.rint(np.clip(rgb, 0, 1) * np.float32(MAX_UINT16)).astype(np.uint16)
        if self._clips and self._clips[0][0].shape != codes.shape:
            raise ClipsInvalid(f"a clip of shape {codes.shape} after clips of shape {self._clips[0][0].shape}")
        line = json.dumps(dict(meta), allow_nan=False)
        self._clips.append((codes, ppg.astype(np.float32), comparable.astype(np.bool_), line))
        if len(self._clips) >= self._clips_per_shard:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected as a shard, if anything."""
        if not self._clips:
            return
        partial = self._folder / f"{_PARTIAL}{self._tag}-{self._next:06d}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        crops, ppgs, comparables, lines = zip(*self._clips, strict=True)
        np.save(partial / "crops.npy", np.stack(crops))
        np.save(partial / "ppg.npy", np.stack(ppgs))
        np.save(partial / "comparable.npy", np.stack(comparables))
        (partial / "clips.jsonl").write_text("\n".join(lines) + "\n")
        os.replace(partial, self._folder / f"{_SHARD}{self._tag}-{self._next:06d}")
        self._next += 1
        self._clips = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.flush()


def _check(rgb: Floats, ppg: Floats, comparable: Bools, meta: Mapping[str, Any]) -> None:
    if rgb.ndim != 4 or rgb.shape[1] != 3 or ppg.shape != rgb.shape[:1] or comparable.shape != rgb.shape[:1]:
        raise ClipsInvalid(f"shapes do not fit: rgb {rgb.shape}, ppg {ppg.shape}, comparable {comparable.shape}")
    if not (np.isfinite(rgb).all() and np.isfinite(ppg).all()):
        raise ClipsInvalid("a clip holds a value that is not finite")
    missing = {"bpm", "person", "fps"} - set(meta)
    if missing:
        raise ClipsInvalid(f"the metadata lack {', '.join(sorted(missing))}")


class _Shard:
    """One shard, its arrays mapped and not read."""

    def __init__(self, folder: Path) -> None:
        try:
            self.crops: Codes = np.load(folder / "crops.npy", mmap_mode="r")
            self.ppg: Floats = np.load(folder / "ppg.npy")
            self.comparable: Bools = np.load(folder / "comparable.npy")
            lines = (folder / "clips.jsonl").read_text().splitlines()
            self.metas: list[dict[str, Any]] = [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise ClipsInvalid(f"{folder.name} cannot be read") from error
        if not len(self.crops) == len(self.ppg) == len(self.comparable) == len(self.metas):
            raise ClipsInvalid(f"the files of {folder.name} disagree in length")


class ClipFolder:
    """The clips of a cache (of some of its people), addressed by (shard name, row)."""

    def __init__(
        self, folder: Path, *, people: Sequence[str] | None = None, without_people: Sequence[str] = ()
    ) -> None:
        self._folder = folder
        self._people = None if people is None else frozenset(people)
        self._without = frozenset(without_people)
        self._shards: dict[str, _Shard] = {}

    def addresses(self, shards: Sequence[str] | None = None) -> list[tuple[str, int]]:
        """Return the address of every clip of `shards` (default: all there are now) of the chosen people, sorted."""
        names = self.shards() if shards is None else sorted(shards)
        return [(name, row) for name in names for row, meta in enumerate(self._open(name).metas) if self._wants(meta)]

    def shards(self) -> list[str]:
        """Return the names of the shards that are complete now, sorted."""
        return sorted(path.name for path in self._folder.glob(f"{_SHARD}*"))

    def read(self, address: tuple[str, int]) -> TrainingClip:
        """Read one clip. Raises ClipsInvalid."""
        shard, row = self._open(address[0]), address[1]
        rgb = shard.crops[row].astype(np.float32) * np.float32(1 / MAX_UINT16)
        return TrainingClip(rgb, shard.ppg[row], shard.comparable[row], shard.metas[row])

    def frames(self, address: tuple[str, int]) -> int:
        """Return T of one clip: shards may differ, clips of one shard do not. Raises ClipsInvalid."""
        return int(self._open(address[0]).crops.shape[1])

    def _open(self, name: str) -> _Shard:
        if name not in self._shards:
            self._shards[name] = _Shard(self._folder / name)
        return self._shards[name]

    def _wants(self, meta: Mapping[str, Any]) -> bool:
        person = str(meta["person"])
        return person not in self._without and (self._people is None or person in self._people)
