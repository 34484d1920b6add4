"""A folder of recordings: found, checked, then read one recording at a time."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from training.datasets.errors import DatasetInvalid, FilesMissing
from training.datasets.recording import Recording


@dataclass(frozen=True, slots=True)
class Place:
    """Where one recording lies; all of `files` must be there."""

    subject: str
    name: str
    files: tuple[Path, ...]

    @property
    def missing(self) -> list[Path]:
        """Those of its files that are not there."""
        return [path for path in self.files if not path.exists()]


class RecordingFolder(ABC):
    """One data set's folder; iterating checks it and then yields its recordings, each read when it is its turn.

    dataset: the name to ask for it by. licence: the terms on which its recordings are handed out. size: how many there
    are in the whole set, in words.
    """

    dataset: ClassVar[str]
    licence: ClassVar[str]
    size: ClassVar[str]

    def __init__(self, root: Path) -> None:
        """Look for recordings, whole or half, in `root`. Raises DatasetInvalid when there is none."""
        self.root = root
        if not root.is_dir():
            raise DatasetInvalid(root, "is not a folder")
        self.places = sorted(self._find(), key=lambda place: place.name)
        if not self.places:
            raise DatasetInvalid(root, f"holds no recording of {self.dataset}; {self.size}")
        twice = [name for name, count in Counter(place.name for place in self.places).items() if count > 1]
        if twice:
            raise DatasetInvalid(root, f"holds two recordings of the name {twice[0]}")

    def check(self) -> None:
        """Raise FilesMissing unless every recording has all its files."""
        missing = [path for place in self.places for path in place.missing]
        if missing:
            raise FilesMissing(self.root, missing)

    def absent(self) -> list[str]:
        """Return the names of recordings that belong to the set and are not here, where the set's names are known."""
        return []

    def place(self, name: str) -> Place:
        """Return where the recording of this name lies. Raises KeyError."""
        for place in self.places:
            if place.name == name:
                return place
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Recording]:
        """Yield the recordings by name. Raises DatasetInvalid, naming the file."""
        self.check()
        for place in self.places:
            yield self.read(place)

    @abstractmethod
    def read(self, place: Place) -> Recording:
        """Read the recording at a place; of a video nothing is opened yet. Raises FileMalformed."""

    @abstractmethod
    def _find(self) -> list[Place]:
        """Return every place in the folder that has at least a part of a recording."""

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.root.iterdir() if path.is_dir())
