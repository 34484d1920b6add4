"""A result in lines of words and units."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.api.schemas import HeartRateResult, Measurement

SURE, LIKELY = 0.8, 0.5  # of calibrated confidence; below LIKELY a result is `low_quality`


def confidence_word(confidence: float) -> str:
    """Return the word for a confidence of 0..1: high, fair or low."""
    return "high" if confidence >= SURE else "fair" if confidence >= LIKELY else "low"


def in_words(result: "HeartRateResult") -> str:
    """Say a result in lines of words and units; every face where it has more than one."""
    faces = result.faces or [result]
    lines: list[str] = []
    for number, face in enumerate(faces, 1):
        lines += [f"Face {number} of {len(faces)}"] if len(faces) > 1 else []
        lines += _face_lines(face)
    video, model = result.video, result.model
    lines.append(
        f"Video        {video.duration_s:.1f} s, {video.width}x{video.height}, {video.fps:.1f} fps, {video.codec}"
    )
    lines.append(f"Model        {model.name} {model.version}".rstrip())
    lines += [f"Warning      {warned.code}: {warned.detail}" for warned in result.warnings]
    return "\n".join(lines)


def _face_lines(face: "Measurement") -> list[str]:
    rates = [window.bpm for window in face.windows]
    spread = f", {min(rates):.1f} to {max(rates):.1f} bpm" if len(rates) > 1 else ""
    rate = f"{face.bpm:.1f} bpm"
    return [
        f"Heart rate   {rate if face.status == 'ok' else f'not reliable (low quality); the best guess is {rate}'}",
        f"Confidence   {face.confidence:.2f} of 1 ({confidence_word(face.confidence)})",
        f"SNR          {'unknown' if face.snr_db is None else f'{face.snr_db:.1f} dB'}",
        f"Windows      {len(rates)}{spread}",
        f"Variability  {_variability(face)}",
        f"Breathing    {_breathing(face)}",
        f"Face         found in {100 * face.face.found_ratio:.0f} % of the looks",
    ]


def _variability(face: "Measurement") -> str:
    if face.hrv is None:
        return f"not said: {_reason(face.hrv_detail)}"
    return f"RMSSD {face.hrv.rmssd_ms:.0f} ms, SDNN {face.hrv.sdnn_ms:.0f} ms, from {face.hrv.beats} beats"


def _breathing(face: "Measurement") -> str:
    if face.respiration_rate is None:
        return f"not said: {_reason(face.respiration_rate_detail)}"
    return f"{face.respiration_rate:.0f} breaths per minute"


def _reason(detail: str | None) -> str:
    said = (detail or "no reason is known").rstrip(".")
    return said[:1].lower() + said[1:]
