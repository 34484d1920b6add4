"""One model's answer for one video of a benchmark."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """One model's answer for one video; `error_code` instead of a number where the service refused the video."""

    model: str
    seed: int
    groups: dict[str, str]
    true_bpm: float
    bpm: float
    confidence: float
    snr_db: float
    status: str
    error_code: str = ""

    @property
    def error_bpm(self) -> float:
        """Absolute error in bpm."""
        return abs(self.bpm - self.true_bpm)
