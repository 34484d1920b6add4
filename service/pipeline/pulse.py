"""Pulse -> HeartRate: sum up, band-pass, spectra of 10-s windows, the rate's path through them, SNR, confidence.

The spectra choose the line and judge it; the rate that is said of a window, and of the whole recording, is that line's
mean over it, or that of the ridge of the spectrogram where a heart swings too far for a line.

The chain of Hwang, Park & Lee 2023 with a quality gate behind it: a number that nothing supports is still said,
as `low_quality` and with the confidence that it deserves.
"""

import numpy as np

from service.pipeline import quality, spectrum
from service.pipeline.answers import HeartRate, HeartRateWindow, Hrv, Respiration, Withheld
from service.pipeline.beats import find_beats
from service.pipeline.chrominance import in_colour
from service.pipeline.controls import Controls, echo
from service.pipeline.hrv import variability
from service.pipeline.mean_rate import recording_mean_hz, step_rates_hz, window_means_hz
from service.pipeline.quality import DEFAULT_CALIBRATION, QUALITY_FEATURES
from service.pipeline.respiration import breathing
from service.pipeline.spectrum import BAND_HZ, Array
from service.pipeline.types import Bools, Calibration, Floats, Pulse

__all__ = ["BAND_HZ", "DEFAULT_CALIBRATION", "QUALITY_FEATURES", "extras", "heart_rate", "quality_features"]

MIN_SPAN_S = 4.0  # below that even the slowest pulse has no three beats: nothing is said
MIN_VALID = 0.8  # share of a window's samples that must be the model's own
MIN_SNR_DB = -3.0  # a window of noise reaches this in about one of twenty
MIN_PASSED = 0.5  # share of the windows that must pass
MIN_CONFIDENCE = 0.5
AGREES_BPM = 6.0


def heart_rate(
    pulse: Pulse, calibration: Calibration = DEFAULT_CALIBRATION, *, controls: Controls | None = None
) -> HeartRate:
    """Return the heart rate of one recording, its windows and its wave.

    Never raises for what the samples hold: what is not finite counts as invalid; constant, empty or shorter samples
    than 4 s give `low_quality` with confidence 0 and, where there is no power at all, 100 bpm (the middle of the band).
    A window passes with an SNR of -3 dB, 80 % valid samples, and its own peak within 6 bpm of the path through all.
    The bpm is the mean over the recording's time, by the windows that pass, by all where the status is `low_quality`
    (mean_rate.recording_mean_hz).
    """
    wave, valid = _wave(pulse)
    bvp = _bvp(wave, pulse.fps)
    if len(wave) < MIN_SPAN_S * pulse.fps:
        return _nothing(pulse, bvp)
    start_s = _wave_start_s(pulse)
    spectra, rated = _rated(pulse, wave, controls)
    complete = _valid_share(valid, spectra) >= MIN_VALID
    passed = complete & (rated.snr_db >= MIN_SNR_DB) & (np.abs(rated.own_bpm - rated.bpm) <= AGREES_BPM)
    # A rate is claimed for the whole recording: it can be trusted no further than the face was seen.
    confidence = quality.confidence(quality.recording_features(rated), calibration) * float(complete.mean())
    confidences = quality.window_confidences(rated, calibration)
    ok = passed.mean() >= MIN_PASSED and confidence >= MIN_CONFIDENCE
    rates = rated.ridge.where_it_swings(step_rates_hz(wave, spectra, rated.bpm / 60))
    return HeartRate(
        bpm=60 * recording_mean_hz(rates, spectra, passed if ok else np.ones_like(passed)),
        confidence=confidence if bvp.any() else 0.0,
        snr_db=float(np.median(rated.snr_db)),
        status="ok" if ok else "low_quality",
        windows=_windows(start_s, spectra, 60 * window_means_hz(rates), rated.snr_db, confidences * complete, passed),
        bvp=bvp,
        fps=pulse.fps,
        start_s=start_s,
    )


def extras(pulse: Pulse, rate: HeartRate) -> tuple[Hrv | Withheld, Respiration | Withheld]:
    """Return what a recording's beats say beyond the heart rate that `heart_rate` found in it, or why they do not."""
    wave, valid = _wave(pulse)
    beats = find_beats(wave, rate, valid)
    return variability(beats, rate), breathing(beats, rate)


def quality_features(pulse: Pulse, *, controls: Controls | None = None) -> dict[str, float]:
    """Return the QUALITY_FEATURES of a whole recording by name, and the echo, as `heart_rate` sees them.

    With |bpm error| <= 5 as label they are what `quality.fit_calibration` fits. All lowest for less than 4 s.
    """
    wave, _ = _wave(pulse)
    if len(wave) < MIN_SPAN_S * pulse.fps:
        return dict(quality.LOWEST)
    return quality.recording_features(_rated(pulse, wave, controls)[1])


def _rated(pulse: Pulse, wave: Array, controls: Controls | None) -> tuple[spectrum.Spectra, quality.Rated]:
    spectra = spectrum.power_spectra(wave, pulse.fps, pulse.noise_slope)
    rated = quality.rate(wave, spectra)
    if controls is None:
        return spectra, rated
    chrominance = controls.chrominance
    colour = spectrum.hann_spectra(_wave(chrominance)[0], chrominance.fps, chrominance.noise_slope)
    seen = (controls, wave, _wave_start_s(pulse), spectra, rated.bpm / 60)
    found = in_colour(*seen)
    return spectra, quality.checked(rated, colour, due=found.due, shown=found.shown, echo=echo(*seen))


def _wave(pulse: Pulse) -> tuple[Array, Bools]:
    """Return the wave (N,) without gaps, and which samples are the model's own.

    A derivative is filled with its mean (no change beyond the drift), which is then taken off, and summed up; a wave is
    filled by a line from the last valid sample to the next.
    """
    samples = np.asarray(pulse.samples, np.float64)
    valid = np.asarray(pulse.valid, bool) & np.isfinite(samples)
    if not valid.any():
        return np.zeros(len(samples)), valid
    if pulse.kind == "derivative":
        return np.cumsum(np.where(valid, samples - samples[valid].mean(), 0)), valid
    index = np.arange(len(samples))
    return np.interp(index, index[valid], samples[valid]), valid


def _wave_start_s(pulse: Pulse) -> float:
    """Return the time of the wave's first sample: a change stands midway between frames, their sum at the later one."""
    return pulse.start_s + (0.5 / pulse.fps if pulse.kind == "derivative" else 0.0)


def _bvp(wave: Array, fps: float) -> Floats:
    filtered = spectrum.band_pass(wave, fps)
    spread = filtered.std() if len(wave) else 0.0
    if spread <= spectrum.SILENCE * np.abs(wave).max(initial=0):
        return np.zeros(len(wave), np.float32)
    return np.asarray((filtered - filtered.mean()) / spread, np.float32)


def _valid_share(valid: Bools, spectra: spectrum.Spectra) -> Array:
    count = np.r_[0, np.cumsum(valid)]
    share: Array = (count[spectra.starts + spectra.length] - count[spectra.starts]) / spectra.length
    return share


def _windows(
    start_s: float, spectra: spectrum.Spectra, bpm: Array, snr_db: Array, confidences: Array, passed: Bools
) -> tuple[HeartRateWindow, ...]:
    starts_s = start_s + spectra.starts / spectra.fps
    columns = (starts_s, starts_s + spectra.window_s, bpm, snr_db, confidences, passed)
    return tuple(HeartRateWindow(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def _nothing(pulse: Pulse, bvp: Floats) -> HeartRate:
    return HeartRate(
        bpm=60 * quality.SILENT_HZ,
        confidence=0.0,
        snr_db=-spectrum.SNR_LIMIT_DB,
        status="low_quality",
        windows=(),
        bvp=bvp,
        fps=pulse.fps,
        start_s=_wave_start_s(pulse),
    )
