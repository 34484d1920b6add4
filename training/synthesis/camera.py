"""The camera: when it takes frames, its noise, and what its own smoothing over time does."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from training.synthesis.pulse_wave import Series
from training.synthesis.skin import Floats, Pixels

_BANK_SIDE = 1024  # frames larger than that see the bank repeated


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera.

    jitter: standard deviation of a frame's time relative to the frame interval. dropped: share of frames that are
    missing. gamma: response, pixel = light^(1/gamma). exposure: factor on pixel values. noise: standard deviation
    per pixel in grey levels. grain: 0 white noise to 1 blurred by demosaicing and denoising. blur_px: softness of
    the lens. smoothing: 0..0.8, weight of the frame before.
    """

    width: int = 640
    height: int = 480
    fps: float = 30.0
    jitter: float = 0.0
    dropped: float = 0.0
    gamma: float = 2.2
    exposure: float = 1.0
    noise: float = 2.0
    grain: float = 0.3
    blur_px: float = 0.6
    smoothing: float = 0.0


def frame_times(settings: CameraSettings, duration_s: float, rng: np.random.Generator) -> Series:
    """Return when frames are taken, float64 (N,), strictly rising from 0; first and last frame are never dropped."""
    count = max(round(duration_s * settings.fps), 2)
    times_s = np.arange(count) / settings.fps
    wobble = np.clip(rng.normal(0, settings.jitter, count), -0.45, 0.45) / settings.fps
    times_s = np.where(np.arange(count) > 0, times_s + wobble, 0.0)
    kept = rng.random(count) >= settings.dropped
    kept[[0, -1]] = True
    result: Series = times_s[kept]
    return result


class Sensor:
    """Adds noise to frames and rounds them to 8 bits.

    Shot noise grows with the root of light, and a power-law response of about 2 makes that the same everywhere:
    one size of noise fits all pixel values. Fresh noise is a random window of a bank, which costs a tenth of
    drawing it.
    """

    def __init__(self, settings: CameraSettings, rng: np.random.Generator) -> None:
        self._rng = rng
        self._smoothing = settings.smoothing
        size = settings.height, settings.width
        bank = _noise_bank(round(settings.grain * 4) / 4)
        repeats = -(-settings.height // _BANK_SIDE), -(-settings.width // _BANK_SIDE), 1
        bank = np.tile(bank, repeats) if max(repeats) > 1 else bank
        # A part somewhat larger than a frame: it fits the cache better than the whole bank does.
        y, x = (int(rng.integers(max(have - need - 128, 0) + 1)) for have, need in zip(bank.shape, size, strict=False))
        self._bank = bank[y : y + size[0] + 128, x : x + size[1] + 128] * np.float32(settings.noise)
        self._before: Floats | None = None

    def expose(self, frame: Floats) -> Pixels:
        """Turn pixel values float32 (H, W, 3) into uint8; the frame is overwritten."""
        height, width = frame.shape[:2]
        y, x = (
            int(self._rng.integers(bank - side + 1))
            for bank, side in zip(self._bank.shape, (height, width), strict=False)
        )
        window = self._bank[y : y + height, x : x + width]
        if not self._smoothing:
            return np.asarray(cv2.add(frame, window, dtype=cv2.CV_8U), np.uint8)
        cv2.add(frame, window, dst=frame)
        if self._before is not None:
            cv2.addWeighted(frame, 1 - self._smoothing, self._before, self._smoothing, 0, dst=frame)
        self._before = frame.copy()
        return np.asarray(cv2.convertScaleAbs(np.maximum(frame, 0, out=frame)), np.uint8)


@lru_cache(maxsize=5)
def _noise_bank(grain: float) -> Floats:
    """Noise of unit variance, float32 (1024, 1024, 3); a third of it is common to the channels, as in cameras."""
    rng = np.random.default_rng(20)
    own = rng.standard_normal((_BANK_SIDE, _BANK_SIDE, 3), np.float32)
    common = rng.standard_normal((_BANK_SIDE, _BANK_SIDE, 1), np.float32)
    bank = np.sqrt(2 / 3) * own + np.sqrt(1 / 3) * common
    if grain:
        bank = cv2.GaussianBlur(bank, (0, 0), 0.4 + 0.8 * grain)
    return np.asarray(bank / bank.std(), np.float32)
