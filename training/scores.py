"""One model's answer for one video, beside the truth."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from training.metrics import NEAR_BPM


@dataclass(frozen=True, slots=True)
class WindowScore:
    """One of the answer's windows of 10 s; true_bpm is the reference's in the same 10 s."""

    start_s: float
    true_bpm: float
    bpm: float
    confidence: float

    @property
    def error_bpm(self) -> float:
        """Absolute error in bpm."""
        return abs(self.bpm - self.true_bpm)


@dataclass(frozen=True, slots=True)
class WaveScore:
    """How like the reference's the wave is, both band-passed, z-scored over the video and aligned by time.

    std, rmse: of the difference; r: Pearson's; means over stretches of 180 samples. shifted_r: the largest r of the
    whole wave when it is shifted by up to half a second, shift_s: that shift, positive where it comes late.
    """

    std: float
    rmse: float
    r: float
    shifted_r: float
    shift_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """One model's answer for one video; `error_code` instead of a number where the service refused the video.

    name: which video; groups: by what errors are broken down. true_bpm: None where the video shows no pulse.
    """

    model: str
    name: str
    groups: dict[str, str]
    true_bpm: float | None
    bpm: float
    confidence: float
    snr_db: float
    status: str
    error_code: str = ""
    windows: tuple[WindowScore, ...] = ()
    wave: WaveScore | None = None

    @property
    def error_bpm(self) -> float:
        """Absolute error in bpm, infinite where there is no pulse."""
        return math.inf if self.true_bpm is None else abs(self.bpm - self.true_bpm)

    @property
    def right(self) -> bool:
        """Whether the answer is within 5 bpm; nothing is right where there is no pulse."""
        return self.error_bpm <= NEAR_BPM

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild what dataclasses.asdict made and JSON carried."""
        windows = tuple(WindowScore(**window) for window in values["windows"])
        wave = None if values["wave"] is None else WaveScore(**values["wave"])
        return cls(**{**values, "windows": windows, "wave": wave})


def with_pulse(scores: Iterable[Score]) -> list[Score]:
    """Return the scores of videos that show a pulse."""
    return [score for score in scores if score.true_bpm is not None]


def without_pulse(scores: Iterable[Score]) -> list[Score]:
    """Return the scores of videos that show none."""
    return [score for score in scores if score.true_bpm is None]
