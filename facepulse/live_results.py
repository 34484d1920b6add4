"""What the service tells of a live video, as frozen dataclasses; names and units as in `facepulse.results`."""

from dataclasses import dataclass, field
from typing import Literal

from facepulse.results import ResultWarning, UsedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Values on a regular grid: number i at start_s + i / fps; None where the frames said nothing."""

    fps: float
    start_s: float
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """Power between 0.7 and 4 Hz in the newest 10 s: number i at start_hz + i * step_hz, the largest 1."""

    start_hz: float
    step_hz: float
    power: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """A square in pixels of the upright picture; it may reach beyond it."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFace:
    """Where the face is: `box` is the square that is looked at."""

    box: Square


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUpdate:
    """What is known of a live video at time_s (seconds since its first frame), told about once a second.

    bpm is that of the newest window_s seconds, None where nothing can be said; only with status `ok` is it one to use.
    confidence in 0..1. samples are the model's own and bvp the wave for the eye, both new since the update before.
    dropped: frames left out so far because they came faster than they could be measured. final: the last update.
    """

    time_s: float
    status: Literal["no_face", "measuring", "low_quality", "ok"]
    bpm: float | None
    confidence: float
    snr_db: float | None
    window_s: float
    samples: Samples
    bvp: Samples
    spectrum: Spectrum | None
    face: SeenFace | None
    fps: float
    frames: int
    received: int = 0
    dropped: int = 0
    warnings: tuple[ResultWarning, ...] = ()
    model: UsedModel
    timing_ms: dict[str, float] = field(default_factory=dict)
    final: bool = False
