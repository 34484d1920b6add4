"""What is scored: videos with a reference, whether rendered or recorded, as one kind of thing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from service.pipeline import spectrum
from service.pipeline.chain import FrameSource
from service.pipeline.decode import VideoReader
from training.benchmark import Case, read_case
from training.datasets.folder import RecordingFolder
from training.datasets.recording import Series, Trace
from training.synthesis.pulse_wave import Truth

WINDOW_S = spectrum.WINDOW_S
_HOP_S = 1.0


@dataclass(frozen=True, slots=True)
class Reference:
    """What a contact sensor or the renderer says: the wave, and the times of the beats' peaks where they are known."""

    pulse: Trace
    beats_s: Series | None = None

    def bpm(self, start_s: float, stop_s: float) -> float:
        """Return the heart rate from start_s to stop_s: from the beats if there are three, else the spectrum's peak."""
        if self.beats_s is not None:
            inside = self.beats_s[(self.beats_s >= start_s) & (self.beats_s <= stop_s)]
            if len(inside) > 2:
                return float(60 * (len(inside) - 1) / (inside[-1] - inside[0]))
        return self.pulse.bpm(start_s, stop_s)

    def mean_bpm(self, duration_s: float) -> float:
        """Return the mean over windows of 10 s, as both papers take a recording's rate; over those the sensor saw."""
        last = min(duration_s, float(self.pulse.times_s[-1]))
        first = max(0.0, float(self.pulse.times_s[0]))
        starts = np.arange(first, max(last - WINDOW_S, first) + 1e-6, _HOP_S)
        seen = [at for at in starts if self.pulse.works(at, min(at + WINDOW_S, last))]
        return float(np.mean([self.bpm(at, min(at + WINDOW_S, last)) for at in seen or starts]))

    def wave(self, start_s: float, count: int, fps: float) -> Series:
        """Return the wave at start_s + i / fps, float64 (count,), band-passed as the service's are."""
        return spectrum.band_pass(self.pulse.at_times(start_s + np.arange(count) / fps), fps)


@dataclass(frozen=True, slots=True)
class Take:
    """One video. bpm: its mean heart rate where that is known without looking at windows.

    reference: None where the video shows no pulse. open: makes a source of its frames, to be read once.
    """

    name: str
    groups: Mapping[str, str]
    open: Callable[[], FrameSource]
    reference: Reference | None
    bpm: float | None = None


class TakeSet(Protocol):
    """Videos by name; picklable, and read one at a time."""

    @property
    def name(self) -> str:
        """Of the set."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Of the videos, in the order in which a part of the set is taken."""
        ...

    def files(self, name: str) -> Sequence[Path]:
        """Return the files that one video is made of."""
        ...

    def person(self, name: str) -> str:
        """Return who is seen."""
        ...

    def read(self, name: str) -> Take:
        """Read one video's reference; of the video nothing is opened yet."""
        ...


@dataclass(frozen=True)
class CaseTakes:
    """Rendered cases, with and without a pulse. A TakeSet."""

    name: str
    cases: Sequence[Case]
    _by_name: dict[str, Case] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {str(case.seed): case for case in self.cases})

    @classmethod
    def of_folder(cls, name: str, home: Path, limit: int | None = None) -> "CaseTakes":
        """Return the cases that lie in a folder, by seed, the first `limit` of them or all."""
        seeds = sorted(int(path.stem) for path in home.glob("*.json") if path.stem.isdigit())
        return cls(name, [read_case(home, seed) for seed in seeds[:limit]])

    @property
    def names(self) -> Sequence[str]:
        """The seeds."""
        return list(self._by_name)

    def files(self, name: str) -> Sequence[Path]:
        """Return video, truth and facts."""
        video = self._by_name[name].video
        return [video, video.with_suffix(".csv"), video.with_suffix(".json")]

    def person(self, name: str) -> str:
        """Return whose face was rendered."""
        return self._by_name[name].person

    def read(self, name: str) -> Take:
        """Read a case's truth."""
        case = self._by_name[name]
        reference = None
        if case.bpm is not None:
            truth = Truth.read_csv(case.video.with_suffix(".csv"))
            reference = Reference(Trace(truth.times_s, truth.ppg), truth.beats_s)
        return Take(name, case.groups, lambda: VideoReader(case.video), reference, case.bpm)


@dataclass(frozen=True)
class RecordingTakes:
    """Recordings of a data set. A TakeSet; making one raises FilesMissing unless all its files are there."""

    folder: RecordingFolder
    limit: int | None = None

    def __post_init__(self) -> None:
        self.folder.check()

    @property
    def name(self) -> str:
        """The data set's."""
        return self.folder.dataset

    @property
    def names(self) -> Sequence[str]:
        """The recordings'."""
        return [place.name for place in self.folder.places[: self.limit]]

    def files(self, name: str) -> Sequence[Path]:
        """Return the files of a recording."""
        return self.folder.place(name).files

    def person(self, name: str) -> str:
        """Return the subject, as training.datasets names it."""
        return f"{self.folder.dataset}/{self.folder.place(name).subject}"

    def read(self, name: str) -> Take:
        """Read a recording's pulse. Raises FileMalformed."""
        recording = self.folder.read(self.folder.place(name))
        return Take(name, dict(recording.groups), recording.open, Reference(recording.pulse))
