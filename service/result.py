"""An estimate as plain data: what the HTTP API answers and `facepulse estimate --json` prints.

The conversion exists once, here. Only JSON's own types come out; a number that is not finite becomes null.
"""

import math
from typing import Any

from service.pipeline.types import Box, Estimate, FaceChoice, FaceEstimate, FaceTrack, HeartRate, HeartRateWindow

Result = dict[str, Any]

NOT_MEASURED = "not_measured"  # the stable reason beside a null until this version measures it


def to_result(estimate: Estimate, *, face: FaceChoice = "largest") -> Result:
    """Return the result of one video: the largest face's fields at the top, with "all" every face in `faces`.

    Units are in the names; times are seconds on the video's clock; boxes are pixels of the upright picture.
    """
    result = _face_fields(estimate.faces[0])
    if face == "all":
        result["faces"] = [_face_fields(one) for one in estimate.faces]
    return result | {
        "video": {
            "duration_s": _number(estimate.video.duration_s, 3),
            "fps": _number(estimate.video.fps, 3),
            "frames": estimate.video.frames,
            "width": estimate.video.width,
            "height": estimate.video.height,
            "codec": estimate.video.codec,
        },
        "model": {
            "name": estimate.model.name,
            "version": estimate.model.version,
            "sha256": estimate.model.sha256,
        },
        "timing_ms": {stage: _number(seconds * 1000, 1) for stage, seconds in estimate.timing_s.items()},
        "warnings": [{"code": warned.code, "detail": warned.detail} for warned in estimate.warnings],
    }


def _face_fields(face: FaceEstimate) -> Result:
    rate = face.heart_rate
    return {
        "bpm": _number(rate.bpm, 2),
        "confidence": _number(rate.confidence, 3),
        "snr_db": _number(rate.snr_db, 2),
        "status": rate.status,
        "bvp": _bvp(rate),
        "windows": [_window(window) for window in rate.windows],
        "hrv": None,
        "hrv_reason": NOT_MEASURED,
        "respiration_rate": None,
        "respiration_rate_reason": NOT_MEASURED,
        "face": _track(face.track),
    }


def _bvp(rate: HeartRate) -> Result:
    return {
        "fps": _number(rate.fps, 3),
        "start_s": _number(rate.start_s, 3),
        "values": [_number(value, 4) for value in rate.bvp.tolist()],
    }


def _window(window: HeartRateWindow) -> Result:
    return {
        "start_s": _number(window.start_s, 3),
        "end_s": _number(window.end_s, 3),
        "bpm": _number(window.bpm, 2),
        "snr_db": _number(window.snr_db, 2),
        "confidence": _number(window.confidence, 3),
    }


def _track(track: FaceTrack) -> Result:
    return {
        "found_ratio": _number(track.found_ratio, 3),
        "boxes": [{"start_s": _number(start_s, 3), **_corners(box)} for start_s, box in track.crops],
    }


def _corners(box: Box) -> Result:
    return {name: _number(getattr(box, name), 1) for name in ("x0", "y0", "x1", "y1")}


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
