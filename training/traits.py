"""What can be measured in the crops of any clip, rendered or real: light, noise, motion, spectrum, pulse.

Sizes are standard deviations of the logarithm of pixel values in percent, so they are relative. Bands are parts of the
power spectrum of 5-s stretches (Welch 1967, each without its trend): the shortest video that the service takes. Where
the crop moved, changes are bridged as the classical methods do it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from service.pipeline.classical import CLASSICAL, joined, skin_colour, skin_pixels
from service.pipeline.pulse import heart_rate
from service.pipeline.spectrum import BAND_HZ, power_spectra, snr_db
from service.pipeline.types import Clip, Floats, Pulse
from training.metrics import NEAR_BPM, Array

STRETCH_S = 5.0
SLOW_HZ = (0.2, BAND_HZ[0])
NOISE_HZ = (6.0, np.inf)  # above most motion, and above the second harmonic of 180 bpm
PATCH = 3  # pixels to each side: 12 x 12 patches in a crop
REFERENCE = "pos"  # free of what changes all colours alike
AGREEING = ("green", REFERENCE)
_NEAR_RATE_HZ = 0.25  # how far a rate wanders within a clip
CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Traits:
    """What one clip shows.

    figures: by name with the unit; those of the pulse are there where GREEN and POS agree on a rate. true_figures: the
    same ones of the pulse, at the true rate and by the true wave. power: (F, 3) power density of the logarithm of
    the face's mean R, G, B in %^2/Hz, at frequency_hz (F,).
    """

    figures: Mapping[str, float]
    true_figures: Mapping[str, float]
    frequency_hz: Array
    power: Array


@dataclass(frozen=True, slots=True)
class Specimen:
    """A clip with its traits, its codec and the bits per pixel of its video. name: of the file, or where it lies."""

    name: str
    codec: str
    bits_per_pixel: float
    traits: Traits


def traits_of(clip: Clip, bpm: float | None = None, ppg: Floats | None = None) -> Traits:
    """Measure a clip of at least 5 s. bpm, ppg: its true rate and wave, float32 (T,), up = more blood, where known."""
    after_first = clip.comparable[1:]
    colours = joined(skin_colour(clip.rgb), after_first)
    frequency_hz, power = power_density(colours, clip.fps)
    figures = _colour_figures(colours) | _place_figures(clip) | _mean_figures(colours, clip.fps)
    waves = {name: _wave(name, clip) for name in AGREEING}
    agreed = agreed_bpm(waves)
    if agreed is not None:
        figures |= snr_figures(waves, agreed) | pulse_figures(colours[1:], waves[REFERENCE].samples, clip.fps, agreed)
    true = {} if bpm is None else snr_figures(waves, bpm)
    if bpm is not None and ppg is not None:
        true |= pulse_figures(colours, ppg, clip.fps, bpm)
    return Traits(figures, true, frequency_hz, power)


def power_density(traces: Array, fps: float) -> tuple[Array, Array]:
    """Return frequency_hz (F,) and the power density (F, ...) of the logarithm of traces (T, ...), in %^2/Hz."""
    length = min(round(STRETCH_S * fps), len(traces))
    log = np.moveaxis(100 * np.log(traces), 0, -1)
    frequency_hz, power = signal.welch(log, fps, nperseg=length, detrend=signal.detrend)
    return np.asarray(frequency_hz), np.moveaxis(power, -1, 0)


def band_size(frequency_hz: Array, power: Array, band_hz: tuple[float, float]) -> Array:
    """Return the standard deviation of what lies in a band, in percent, of power densities (F, ...)."""
    inside = (frequency_hz >= band_hz[0] - 1e-9) & (frequency_hz < band_hz[1] - 1e-9)
    return np.asarray(np.sqrt(power[inside].sum(axis=0) * frequency_hz[1]))


def agreed_bpm(waves: Mapping[str, Pulse]) -> float | None:
    """Return the mean heart rate of waves that agree within 5 bpm, else None."""
    rates = [heart_rate(wave).bpm for wave in waves.values()]
    return float(np.mean(rates)) if max(rates) - min(rates) <= NEAR_BPM else None


def snr_figures(waves: Mapping[str, Pulse], bpm: float) -> dict[str, float]:
    """Return each wave's SNR at a rate, the median over 10-s windows."""
    found = {}
    for name, wave in waves.items():
        spectra = power_spectra(np.asarray(wave.samples, np.float64), wave.fps)
        found[f"SNR of {name.upper()}, dB"] = float(np.median(snr_db(spectra, np.full(len(spectra.power), bpm / 60))))
    return found


def pulse_figures(colours: Array, wave: Floats, fps: float, bpm: float) -> dict[str, float]:
    """Return how strongly the mean R, G, B (T, 3) follow a wave (T,), up = more blood, near a rate; {} if not at all.

    By regression of what lies within 0.25 Hz of the rate: noise in the colours adds none, noise in the wave hides some.
    """
    band_hz = (bpm / 60 - _NEAR_RATE_HZ, bpm / 60 + _NEAR_RATE_HZ)
    sos = signal.butter(2, band_hz, "bandpass", fs=fps, output="sos")
    both = np.column_stack([-100 * np.log(colours), wave.astype(np.float64)])
    near = signal.sosfiltfilt(sos, signal.detrend(both, axis=0), axis=0)
    red, green, blue = near[:, :3].T @ near[:, 3]
    if green <= 0:
        return {}
    return {
        "pulse in green, %": float(green / np.sqrt(len(near) * (near[:, 3] @ near[:, 3]))),
        "pulse, red over green": float(red / green),
        "pulse, blue over green": float(blue / green),
    }


def _colour_figures(colours: Array) -> dict[str, float]:
    red, green, blue = colours.mean(axis=0)
    return {
        "level of green": float(green),
        "red over green": float(red / green),
        "blue over green": float(blue / green),
        "red x blue over green^2": float(red * blue / green**2),
    }


def _place_figures(clip: Clip) -> dict[str, float]:
    """Noise per pixel of a crop and motion per patch, in green if not said; the median over the face."""
    noise = _median_size(clip.rgb, clip, NOISE_HZ)
    patches = _patches(clip.rgb)
    return {
        **{f"noise in {name}, %": size for name, size in zip(CHANNELS, noise, strict=True)},
        "noise, blue over green": noise[2] / max(noise[1], 1e-9),
        "slow motion, %": _median_size(patches, clip, SLOW_HZ)[1],
        "motion in the band, %": _median_size(patches, clip, BAND_HZ)[1],
    }


def _mean_figures(colours: Array, fps: float) -> dict[str, float]:
    """How much the face's mean green changes below, in and above the band, and how much the ratios to it do in it."""
    ratios = np.column_stack([colours[:, 1], colours[:, 0] / colours[:, 1], colours[:, 2] / colours[:, 1]])
    spectra = power_density(ratios, fps)
    slow, fast, noise = (band_size(*spectra, band).tolist() for band in (SLOW_HZ, BAND_HZ, NOISE_HZ))
    return {
        "mean green slowly, %": slow[0],
        "mean green in the band, %": fast[0],
        "mean green above 6 Hz, %": noise[0],
        "mean red over green in the band, %": fast[1],
        "mean blue over green in the band, %": fast[2],
    }


def _median_size(rgb: Floats, clip: Clip, band_hz: tuple[float, float]) -> list[float]:
    """Return the median over the face of what lies in a band, for R, G, B of pixels or patches (T, 3, size, size)."""
    inside = rgb.reshape(*rgb.shape[:2], -1)[..., skin_pixels(rgb.shape[-1])].astype(np.float64)
    traces = np.stack([joined(place, clip.comparable[1:]) for place in np.moveaxis(inside, 2, 0)], axis=-1)
    medians: list[float] = np.median(band_size(*power_density(traces, clip.fps), band_hz), axis=-1).tolist()
    return medians


def _patches(rgb: Floats) -> Floats:
    frames, channels, size, _ = rgb.shape
    across = size // PATCH
    whole = rgb[..., : across * PATCH, : across * PATCH]
    patches: NDArray[np.float32] = whole.reshape(frames, channels, across, PATCH, across, PATCH).mean(axis=(3, 5))
    return patches


def _wave(name: str, clip: Clip) -> Pulse:
    stream = CLASSICAL[name]().stream()
    stream.push(clip)
    return stream.finish()
