"""Measures of accuracy: of heart rates over recordings, and of single waves against their reference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.pipeline.pulse import BAND_HZ
from service.pipeline.types import SampleKind

Array = NDArray[np.float64]
NEAR_BPM = 5.0  # an estimate within this counts as right
_RESOLUTION_HZ = 0.005  # 0.3 bpm


def mae(true: Sequence[float], estimated: Sequence[float]) -> float:
    """Return the mean absolute error."""
    return float(np.mean(np.abs(_errors(true, estimated))))


def rmse(true: Sequence[float], estimated: Sequence[float]) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean(_errors(true, estimated) ** 2)))


def std(true: Sequence[float], estimated: Sequence[float]) -> float:
    """Return the standard deviation of the errors."""
    return float(np.std(_errors(true, estimated)))


def within(true: Sequence[float], estimated: Sequence[float], limit: float) -> float:
    """Return the share of estimates, 0..1, that are off by at most `limit`."""
    return float(np.mean(np.abs(_errors(true, estimated)) <= limit))


def pearson(true: Sequence[float], estimated: Sequence[float]) -> float:
    """Return Pearson's r; 0 where one of the two does not vary."""
    x, y = (np.asarray(values, np.float64) - np.mean(values) for values in (true, estimated))
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 1e-12 else 0.0


def summary(true: Sequence[float], estimated: Sequence[float]) -> dict[str, float]:
    """Return mae, rmse, std, r, within_5 (share within 5 bpm) and n. Raises ValueError for none or unequal counts."""
    return {
        "mae": mae(true, estimated),
        "rmse": rmse(true, estimated),
        "std": std(true, estimated),
        "r": pearson(true, estimated),
        "within_5": within(true, estimated, NEAR_BPM),
        "n": float(len(true)),
    }


def spectrum_bpm(samples: NDArray[np.floating], fps: float, kind: SampleKind = "derivative") -> float:
    """Return 60 times the frequency, within 0.7 to 4 Hz, of the highest peak of a wave (N,) or a derivative's sum."""
    freqs_hz, power = band_power(np.asarray(samples, np.float64), fps)
    if kind == "derivative":
        power = power / freqs_hz**2
    return 60 * float(freqs_hz[int(np.argmax(power))])


def _errors(true: Sequence[float], estimated: Sequence[float]) -> Array:
    if len(true) != len(estimated) or not len(true):
        raise ValueError(f"{len(true)} true values and {len(estimated)} estimates")
    return np.asarray(estimated, np.float64) - np.asarray(true, np.float64)


def band_power(samples: Array, fps: float) -> tuple[Array, Array]:
    """Return the band's frequencies and the power there, by a zero-padded FFT."""
    centred = (samples - samples.mean()) * np.hanning(len(samples))
    padded = max(len(samples), round(fps / _RESOLUTION_HZ))
    freqs_hz = np.fft.rfftfreq(padded, 1 / fps)
    inside = (freqs_hz >= BAND_HZ[0]) & (freqs_hz <= BAND_HZ[1])
    spectrum = np.fft.rfft(centred, padded)[inside]
    return np.asarray(freqs_hz[inside], np.float64), np.asarray(np.abs(spectrum) ** 2, np.float64)
