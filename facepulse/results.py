"""What the service answers, as frozen dataclasses: the same names and units as in its JSON.

Times are seconds on the video's own clock, rates are beats (or breaths) per minute, boxes are pixels of the upright
picture. What a newer service adds is passed over.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bvp:
    """The blood volume pulse: unit variance, sample i at start_s + i / fps; up means more blood."""

    fps: float
    start_s: float
    values: tuple[float, ...]

    @property
    def times_s(self) -> tuple[float, ...]:
        """The time of each sample in seconds."""
        return tuple(self.start_s + index / self.fps for index in range(len(self.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One 10-s window; confidence in 0..1."""

    start_s: float
    end_s: float
    bpm: float
    snr_db: float | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBox:
    """The square that was looked at from time_s on; it may reach beyond the picture."""

    time_s: float
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Where the face was, and in which share of the looks (0..1) it was found."""

    found_ratio: float
    boxes: tuple[FaceBox, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What was decoded."""

    duration_s: float
    fps: float
    frames: int
    width: int
    height: int
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedModel:
    """Which model answered; classical methods have an empty hash."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWarning:
    """Something to know although an answer was possible; `code` is stable."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRateVariability:
    """Heart rate variability (Task Force 1996), from the intervals that are no artefacts.

    ibi_ms: one interval less than there are beats; ibi_ok: which of them are normal. pnn50 in percent.
    lf_ms2, hf_ms2, lf_hf: None below 60 s. timing_error_ms: standard error of one beat's time.
    """

    beats: int
    beats_s: tuple[float, ...]
    ibi_ms: tuple[float, ...]
    ibi_ok: tuple[bool, ...]
    artefacts_ratio: float
    sdnn_ms: float
    rmssd_ms: float
    pnn50: float
    lf_ms2: float | None = None
    hf_ms2: float | None = None
    lf_hf: float | None = None
    timing_error_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The heart rate of one face.

    status `low_quality` means: do not use this bpm. confidence in 0..1. hrv and respiration_rate (breaths per minute)
    are None where the wave does not carry them; then `..._reason` has a stable code and `..._detail` a sentence.
    """

    bpm: float
    confidence: float
    snr_db: float | None
    status: Literal["ok", "low_quality"]
    bvp: Bvp
    windows: tuple[Window, ...]
    face: Face
    hrv: HeartRateVariability | None = None
    hrv_reason: str | None = None
    hrv_detail: str | None = None
    respiration_rate: float | None = None
    respiration_rate_confidence: float | None = None
    respiration_rate_reason: str | None = None
    respiration_rate_detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRateResult(Measurement):
    """The answer for one video: the largest face's, and with face="all" every face's in `faces`."""

    video: Video
    model: UsedModel
    timing_ms: dict[str, float]
    warnings: tuple[ResultWarning, ...] = ()
    faces: tuple[Measurement, ...] | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is served, with its manifest's facts; a classical method has a name and a kind only."""

    name: str
    kind: Literal["network", "classical"]
    default: bool = False
    version: str | None = None
    sha256: str | None = None
    input_size: int | None = None
    fps: float | None = None
    output: Literal["derivative", "wave"] | None = None
    parameters: int | None = None
    macs_per_frame: int | None = None
    training_data: str | None = None
    licence: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something failed, in the service's words; `code` is stable, status is HTTP's."""

    code: str
    status: int
    title: str = ""
    detail: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A long video that the service works on.

    position: place among the jobs that wait, 1 is next. progress: share done, 0..1. bpm and confidence (0..1): so far,
    while it runs. result: once it is `done`; problem: once it `failed`; both are gone when it is `expired`.
    """

    id: str
    state: Literal["queued", "running", "done", "failed", "expired"]
    position: int | None = None
    progress: float = 0.0
    bpm: float | None = None
    confidence: float | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    problem: Problem | None = None
    result: HeartRateResult | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in ("queued", "running")
