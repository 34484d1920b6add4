"""The answer for one video, as it goes out over HTTP and the command line."""

import math
from typing import Any, Literal, Self

from pydantic import Field

from service.api.schema import Schema, Share
from service.pipeline.answers import Estimate, FaceEstimate, HeartRate, Hrv, Respiration, Withheld
from service.pipeline.types import FaceTrack, ModelInfo, VideoInfo


class Bvp(Schema):
    """The blood volume pulse: unit variance, sample i at start_s + i / fps; up means more blood."""

    fps: float
    start_s: float
    values: list[float]


class Window(Schema):
    """One 10-s window."""

    start_s: float
    end_s: float
    bpm: float
    snr_db: float | None
    confidence: Share


class FaceBox(Schema):
    """The square that was looked at from time_s on, pixels of the upright picture; it may reach beyond it."""

    time_s: float
    x0: float
    y0: float
    x1: float
    y1: float


class Face(Schema):
    """Where the face was, and in which share of the looks at the video it was found."""

    found_ratio: Share
    boxes: list[FaceBox]

    @classmethod
    def from_track(cls, track: FaceTrack) -> Self:
        """Take over a track."""
        boxes = [
            FaceBox(time_s=round(t, 3), x0=round(b.x0, 1), y0=round(b.y0, 1), x1=round(b.x1, 1), y1=round(b.y1, 1))
            for t, b in track.crops
        ]
        return cls(found_ratio=track.found_ratio, boxes=boxes)


class Video(Schema):
    """What was decoded."""

    duration_s: float
    fps: float
    frames: int
    width: int
    height: int
    codec: str

    @classmethod
    def from_info(cls, info: VideoInfo) -> Self:
        """Take over the facts."""
        return cls(
            duration_s=round(info.duration_s, 3),
            fps=round(info.fps, 3),
            frames=info.frames,
            width=info.width,
            height=info.height,
            codec=info.codec,
        )


class UsedModel(Schema):
    """Which model answered; classical methods have no hash."""

    name: str
    version: str
    sha256: str

    @classmethod
    def from_info(cls, info: ModelInfo) -> Self:
        """Take over name, version and hash."""
        return cls(name=info.name, version=info.version, sha256=info.sha256)


class ResultWarning(Schema):
    """Something to know although an answer was possible; `code` is stable."""

    code: str
    detail: str


class HeartRateVariability(Schema):
    """Heart rate variability (Task Force 1996), from the intervals that are no artefacts."""

    beats: int = Field(description="How many beats were found.")
    beats_s: list[float] = Field(description="When, in seconds of the video.")
    ibi_ms: list[float] = Field(description="Interbeat intervals, one less than there are beats.")
    ibi_ok: list[bool] = Field(description="Which of them are normal; the others are artefacts and count nowhere.")
    artefacts_ratio: Share
    sdnn_ms: float
    rmssd_ms: float
    pnn50: float = Field(ge=0, le=100, description="Percent of successive intervals that differ by over 50 ms.")
    lf_ms2: float | None = Field(description="Power in 0.04-0.15 Hz; null below 60 s, as the next two.")
    hf_ms2: float | None = Field(description="Power in 0.15-0.4 Hz.")
    lf_hf: float | None
    timing_error_ms: float = Field(description="Standard error of a beat's time, from the noise of the wave.")

    @classmethod
    def from_hrv(cls, hrv: Hrv) -> Self:
        """Take over the numbers, to a tenth of a millisecond."""
        return cls(
            beats=len(hrv.beats_s),
            beats_s=[round(time_s, 4) for time_s in hrv.beats_s],
            ibi_ms=[round(interval, 1) for interval in hrv.ibi_ms],
            ibi_ok=list(hrv.ibi_ok),
            artefacts_ratio=round(hrv.artefacts_ratio, 4),
            sdnn_ms=round(hrv.sdnn_ms, 1),
            rmssd_ms=round(hrv.rmssd_ms, 1),
            pnn50=round(hrv.pnn50, 1),
            lf_ms2=_rounded(hrv.lf_ms2, 1),
            hf_ms2=_rounded(hrv.hf_ms2, 1),
            lf_hf=_rounded(hrv.lf_hf, 3),
            timing_error_ms=round(hrv.timing_error_ms, 1),
        )


class Measurement(Schema):
    """The heart rate of one face.

    `low_quality` means that too few windows passed the gate: do not use its bpm. Where the wave does not carry `hrv` or
    `respiration_rate`, they are null, `..._reason` says why with a stable code and `..._detail` with a sentence.
    """

    bpm: float = Field(examples=[68.4])
    confidence: Share = Field(description="How far to trust bpm; calibrated on rendered clips.")
    snr_db: float | None = Field(description="Power at the heart rate and its harmonic over the rest of the band.")
    status: Literal["ok", "low_quality"]
    bvp: Bvp
    windows: list[Window]
    hrv: HeartRateVariability | None = None
    hrv_reason: str | None = Field(None, examples=["too_short"])
    hrv_detail: str | None = None
    respiration_rate: float | None = Field(None, description="Breaths per minute.")
    respiration_rate_confidence: Share | None = None
    respiration_rate_reason: str | None = Field(None, examples=["too_short"])
    respiration_rate_detail: str | None = None
    face: Face


class HeartRateResult(Measurement):
    """The answer for one video; the top level speaks of the largest face, `faces` (on request) of all of them."""

    faces: list[Measurement] | None = None
    video: Video
    model: UsedModel
    timing_ms: dict[str, float]
    warnings: list[ResultWarning]
    request_id: str = ""

    @classmethod
    def from_estimate(cls, estimate: Estimate, *, all_faces: bool = False) -> Self:
        """Turn the pipeline's answer into the public one. Raises ValidationError for numbers that are none."""
        faces = [_measurement(face) for face in (estimate.faces if all_faces else estimate.faces[:1])]
        return cls(
            **{name: getattr(faces[0], name) for name in Measurement.model_fields},
            faces=faces if all_faces else None,
            video=Video.from_info(estimate.video),
            model=UsedModel.from_info(estimate.model),
            timing_ms={stage: round(1000 * seconds, 1) for stage, seconds in estimate.timing_s.items()},
            warnings=[ResultWarning(code=warning.code, detail=warning.detail) for warning in estimate.warnings],
        )

    def to_json(self, *, indent: int | None = None) -> str:
        """Return what callers get: no `faces` unless all were asked for, no `request_id` where there was no request."""
        absent = {"faces": self.faces is None, "request_id": not self.request_id}
        return self.model_dump_json(indent=indent, exclude={name for name, is_so in absent.items() if is_so})


def _measurement(face: FaceEstimate) -> Measurement:
    rate = face.heart_rate
    return Measurement(
        bpm=round(rate.bpm, 2),
        confidence=round(rate.confidence, 4),
        snr_db=_finite(rate.snr_db),
        status=rate.status,
        bvp=Bvp(fps=rate.fps, start_s=round(rate.start_s, 4), values=[round(float(v), 4) for v in rate.bvp]),
        windows=_windows(rate),
        face=Face.from_track(face.track),
        **_hrv(face.hrv),
        **_respiration(face.respiration),
    )


def _hrv(hrv: Hrv | Withheld) -> dict[str, Any]:
    if isinstance(hrv, Withheld):
        return {"hrv_reason": hrv.code, "hrv_detail": hrv.detail}
    return {"hrv": HeartRateVariability.from_hrv(hrv)}


def _respiration(respiration: Respiration | Withheld) -> dict[str, Any]:
    if isinstance(respiration, Withheld):
        return {"respiration_rate_reason": respiration.code, "respiration_rate_detail": respiration.detail}
    rate, confidence = round(respiration.breaths_per_minute, 1), round(respiration.confidence, 4)
    return {"respiration_rate": rate, "respiration_rate_confidence": confidence}


def _windows(rate: HeartRate) -> list[Window]:
    return [
        Window(
            start_s=round(window.start_s, 3),
            end_s=round(window.end_s, 3),
            bpm=round(window.bpm, 2),
            snr_db=_finite(window.snr_db),
            confidence=round(window.confidence, 4),
        )
        for window in rate.windows
    ]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _finite(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
