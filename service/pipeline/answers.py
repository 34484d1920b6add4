"""What is said about a video: heart rates and what they carry, frozen, units in the names.

Times are seconds on the video's own clock, as in `types`.
"""

from dataclasses import dataclass, field
from typing import Literal

from service.pipeline.types import FaceTrack, Floats, ModelInfo, VideoInfo, Warned

Status = Literal["ok", "low_quality"]


@dataclass(frozen=True, slots=True)
class HeartRateWindow:
    """One 10-s window: its mean bpm, SNR in dB (de Haan & Jeanne 2013), confidence 0..1, whether it passed the gate.

    The SNR and the gate are about the line in its spectrum, from which the mean of a rate that swings may lie apart.
    """

    start_s: float
    end_s: float
    bpm: float
    snr_db: float
    confidence: float
    passed: bool


@dataclass(frozen=True, slots=True)
class HeartRate:
    """The heart rate of one recording.

    bpm is the mean over the time that the windows span. Where none passes the quality gate the rate is taken as a
    straight line between those that do, before and after them as their mean. When too few pass, `status` is
    `low_quality` and bpm is by all windows, there only for whoever wants to look. bvp is the band-passed wave
    (float32, zero mean, unit variance), sample i at start_s + i / fps.
    """

    bpm: float
    confidence: float
    snr_db: float
    status: Status
    windows: tuple[HeartRateWindow, ...]
    bvp: Floats
    fps: float
    start_s: float


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why a number is not said although a heart rate is: a stable `code` and a sentence."""

    code: str
    detail: str


NOT_COMPUTED = Withheld("not_computed", "It was not asked for.")
SMOOTHED = Withheld(
    "smoothed", "This model smooths the beats' rhythm over seconds; a model of pairs of frames shows it."
)


@dataclass(frozen=True, slots=True)
class Hrv:
    """Heart rate variability of one recording (Task Force 1996).

    beats_s: times of the beats (B,); ibi_ms: the intervals between them (B - 1,); ibi_ok: which of those are normal,
    the others are artefacts and count nowhere. sdnn_ms, rmssd_ms: from the normal ones, less what the wave's noise adds
    to them; timing_error_ms: the standard error of one beat's time which that noise explains. pnn50 in percent.
    lf_ms2, hf_ms2: power in 0.04-0.15 and 0.15-0.4 Hz, from 60 s on; None before. artefacts_ratio: 0..1.
    """

    beats_s: tuple[float, ...]
    ibi_ms: tuple[float, ...]
    ibi_ok: tuple[bool, ...]
    sdnn_ms: float
    rmssd_ms: float
    pnn50: float
    lf_ms2: float | None
    hf_ms2: float | None
    lf_hf: float | None
    artefacts_ratio: float
    timing_error_ms: float


@dataclass(frozen=True, slots=True)
class Respiration:
    """Breathing, told from how it modulates the pulse: breaths per minute, and how far to trust them (0..1)."""

    breaths_per_minute: float
    confidence: float


@dataclass(frozen=True, slots=True)
class FaceEstimate:
    """The answer for one face."""

    track: FaceTrack
    heart_rate: HeartRate
    hrv: Hrv | Withheld = NOT_COMPUTED
    respiration: Respiration | Withheld = NOT_COMPUTED


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer for one video: faces, largest first, never empty; seconds by stage in timing_s."""

    faces: tuple[FaceEstimate, ...]
    video: VideoInfo
    model: ModelInfo
    timing_s: dict[str, float]
    warnings: tuple[Warned, ...] = field(default=())
