"""The camera: when it takes frames, its noise, and what its own smoothing over time does."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from training.synthesis.pulse_wave import Series
from training.synthesis.skin import Floats, Pixels

_BANK_SIDE = 1024  # frames larger than that see the bank repeated
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_STAIN_CELLS = 12  # along the longer side
_STAIN_COLOUR = np.array([0.6, 0.15, 1.0], np.float32)


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera.

    jitter: standard deviation of a frame's time relative to the frame interval. dropped: share of frames that are
    missing. gamma: response, pixel = light^(1/gamma). exposure: factor on pixel values. noise: standard deviation
    per pixel in grey levels. grain: 0 white noise to 1 blurred by demosaicing and denoising. blur_px: softness of
    the lens. smoothing: 0..0.8, weight of the frame before. noise_colour: factors on the noise of R, G, B; blue, which
    a camera amplifies most, is the worst. stain, stain_hz: standard deviation in grey levels and highest frequency of
    the coarse patches of colour that wander over dim pictures, what denoising leaves. saturation: distance from grey,
    1 as it is; cameras stretch it, which weakens the pulse in red and blue against green.
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
    noise_colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    stain: float = 0.0
    stain_hz: float = 1.0
    saturation: float = 1.0


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
        noise = np.float32(settings.noise) * np.array(settings.noise_colour, np.float32)
        self._bank = bank[y : y + size[0] + 128, x : x + size[1] + 128] * noise
        self._before: Floats | None = None
        self._colours = None if settings.saturation == 1 else _saturation(settings.saturation)
        self._stains = _Stains(settings, rng) if settings.stain else None

    def expose(self, frame: Floats) -> Pixels:
        """Turn pixel values float32 (H, W, 3) into uint8; the frame is overwritten."""
        height, width = frame.shape[:2]
        if self._colours is not None:
            cv2.transform(frame, self._colours, dst=frame)
        if self._stains is not None:
            cv2.add(frame, self._stains.next(), dst=frame)
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


def _saturation(amount: float) -> Floats:
    """Return the matrix (3, 3) that moves R, G, B away from their luma by `amount`."""
    return np.asarray(amount * np.eye(3) + (1 - amount) * _LUMA, np.float32)


class _Stains:
    """Coarse coloured noise that wanders: an autoregressive series for each of a few cells, blurred between them."""

    def __init__(self, settings: CameraSettings, rng: np.random.Generator) -> None:
        self._rng, self._size = rng, (settings.width, settings.height)
        longer = max(self._size)
        self._cells = tuple(max(round(_STAIN_CELLS * side / longer), 2) for side in self._size[::-1])
        self._kept = float(np.exp(-2 * np.pi * settings.stain_hz / settings.fps))
        self._strength = settings.stain * _STAIN_COLOUR
        self._now = rng.standard_normal((*self._cells, 3), np.float32)

    def next(self) -> Floats:
        """Return the noise of the next frame in grey levels, float32 (H, W, 3)."""
        fresh = self._rng.standard_normal((*self._cells, 3), np.float32)
        self._now = self._kept * self._now + np.sqrt(1 - self._kept**2) * fresh
        stains = cv2.resize((self._strength * self._now).astype(np.float32), self._size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(stains, np.float32)


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
