"""Live video: frames in as they come, once a second of them an update of the heart rate, for hours in the same memory.

The stages are those of a recorded video, and a network's samples are equal to those that the same frames give there.
What is said of them looks at the newest KEEP_S alone.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from service.pipeline import spectrum
from service.pipeline.answers import HeartRate, HeartRateWindow
from service.pipeline.clip import MAX_GAP_S, ClipBuilder
from service.pipeline.control_stream import ControlStream
from service.pipeline.controls import Controls
from service.pipeline.frame import Frame
from service.pipeline.pulse import MIN_CONFIDENCE, MIN_SPAN_S, heart_rate
from service.pipeline.recent import Recent
from service.pipeline.stretches import Stretch, Told, newest, part, since_loss, whole_seconds
from service.pipeline.types import Box, Clip, Floats, Pulse, PulseModel, TrackedFace, Warned

KEEP_S = 20.0  # what is said is taken from: windows of 10 s, of which the first and the last share nothing
EVERY_S = 1.0  # of the video's time between two updates
WAVE_DELAY_S = 1.0  # the wave's last second still changes with what is to come
LOST_S = 2.0  # without a valid sample: what was before is not joined to what comes after
NEW_START_S = 10.0  # a pause after which nothing of before is of use
LiveStatus = Literal["no_face", "measuring", "low_quality", "ok"]


class Follower(Protocol):
    """Where the face is in each frame: a FaceTracker, or a caller who knows."""

    def update(self, frame: Frame) -> tuple[TrackedFace, ...]:
        """Return the crop of the face in the next frame."""
        ...

    def forget(self) -> None:
        """Forget earlier crops."""
        ...


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Power from 0.7 to 4 Hz of the newest 10 s, largest 1: value i at start_hz + i * step_hz.

    Times f^1.5, which levels the noise: as the rate is chosen from it.
    """

    start_hz: float
    step_hz: float
    power: Floats


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """What is known at time_s, in seconds since the first frame.

    bpm is that of the newest window (window_s long: 10 s, less at the beginning), None where nothing can be said.
    samples are the model's own, new since the update before. bvp is the wave for the eye, WAVE_DELAY_S behind, each
    value told once: the samples summed up, band-passed to 0.7-4 Hz without delay, in units of its spread over the
    newest KEEP_S. (A recording's bvp is filtered and scaled over its whole length: the same wave but for a factor that
    changes slowly.) face is the crop.
    """

    time_s: float
    status: LiveStatus
    bpm: float | None
    confidence: float
    snr_db: float | None
    window_s: float
    samples: Stretch
    bvp: Stretch
    spectrum: Spectrum | None
    face: Box | None
    fps: float
    frames: int
    warnings: tuple[Warned, ...]
    timing_s: dict[str, float]


class LiveEstimator:
    """One face's live video. Frames may come irregularly, from 4 fps on; a pause leaves a hole in the samples.

    min_fps: below it no rate is claimed.
    """

    def __init__(self, model: PulseModel, follower: Follower, *, min_fps: float = 10.0) -> None:
        self._model = model
        self._follower = follower
        self._min_fps = min_fps
        self._recent = Recent(MAX_GAP_S)
        self._way: _Way | None = None
        self._frame: Frame | None = None
        self._frames = 0
        self._next_s = EVERY_S
        self._told_samples, self._told_bvp = Told(), Told()
        self._timing_s: defaultdict[str, float] = defaultdict(float)

    def push(self, frame: Frame) -> LiveUpdate | None:
        """Take the next frame, later than the one before; return an update when one is due."""
        if self._frame is not None and frame.time_s - self._frame.time_s > NEW_START_S:
            self._way = None
        self._frame = frame
        self._frames += 1
        with self.timed("face"):
            face = next(iter(self._follower.update(frame)), None)
        self._recent.note(frame.time_s, face)
        if face is not None:
            self._way = self._way or _Way(self._model)
            self._infer(self._way, self._way.push(frame, face))
        return self.update() if frame.time_s >= self._next_s else None

    def update(self) -> LiveUpdate | None:
        """Say what is known by now, None before the first frame."""
        if self._frame is None:
            return None
        self._next_s = (self._frame.time_s // EVERY_S + 1) * EVERY_S
        self._follower.forget()
        if self._way is not None:
            self._infer(self._way, self._way.rest())
        with self.timed("pulse"):
            self._recent.look(self._frame, self._way.take_rgb() if self._way else None)
            update = self._say(self._frame.time_s)
        timing_s, self._timing_s = dict(self._timing_s), defaultdict(float)
        return replace(update, timing_s=timing_s)

    def _say(self, time_s: float) -> LiveUpdate:
        empty = Pulse(np.zeros(0, np.float32), np.zeros(0, np.bool_), time_s, self._model.input.fps, "wave")
        pulse, settled, controls = self._way.newest() if self._way else (empty, empty, None)
        since = since_loss(pulse, LOST_S)
        rate = self._rate(since, controls)
        face = self._recent.face
        window = rate.windows[-1] if rate and rate.windows and face else None
        confidence = window.confidence if window and self._is_usable else 0.0
        return LiveUpdate(
            time_s=time_s,
            status=_status(face is not None, window, confidence),
            bpm=window.bpm if window else None,
            confidence=confidence,
            snr_db=window.snr_db if window else None,
            window_s=window.end_s - window.start_s if window else 0.0,
            samples=self._told_samples.take(settled),
            bvp=self._told_bvp.take(_for_the_eye(rate, since) if rate else empty),
            spectrum=_spectrum(rate, pulse.noise_slope) if rate and window else None,
            face=face.crop if face else None,
            fps=self._recent.fps,
            frames=self._frames,
            warnings=self._recent.warnings(),
            timing_s={},
        )

    def _rate(self, pulse: Pulse, controls: Controls | None) -> HeartRate | None:
        """Return the heart rate of the newest whole seconds, None where there are too few of them for one."""
        whole = whole_seconds(pulse, KEEP_S)
        if len(whole.samples) < MIN_SPAN_S * whole.fps:
            return None
        known = None if controls is None else controls.since(whole.start_s)
        return heart_rate(whole, self._model.calibration, controls=known)

    @property
    def _is_usable(self) -> bool:
        """Whether the frames are what a recording must have: colour, and enough of them (1 % less is let through)."""
        return not self._recent.grey and self._recent.fps >= 0.99 * self._min_fps

    def _infer(self, way: "_Way", clips: Iterator[Clip]) -> None:
        while True:
            with self.timed("clip"):
                clip = next(clips, None)
            if clip is None:
                return
            with self.timed("infer"):
                way.infer(clip)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time that the block takes for the stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._timing_s[stage] += time.perf_counter() - began


class _Way:
    """The face's way through the model since the last long pause; of its samples the newest KEEP_S."""

    def __init__(self, model: PulseModel) -> None:
        self._input = model.input
        self._builder = ClipBuilder(model.input)
        self._stream = model.stream()
        self._controls = ControlStream()
        self._end_s = 0.0
        self._rgb: list[float] = []

    def push(self, frame: Frame, face: TrackedFace) -> Iterator[Clip]:
        """Take a frame's crop; yield the stretches that are to be inferred."""
        self._controls.note(frame, face.crop)
        return self._builder.push(frame, face.crop, moved=face.moved)

    def rest(self) -> Iterator[Clip]:
        """Yield what does not fill a stretch yet."""
        return self._builder.finish()

    def infer(self, clip: Clip) -> None:
        """Run the model on a stretch."""
        self._stream.push(clip)
        self._controls.push(clip)
        self._end_s = clip.start_s + (len(clip.rgb) - 1) / clip.fps
        self._rgb.append(float(clip.rgb.mean()))

    def take_rgb(self) -> float | None:
        """Return the mean RGB, 0..1, of the crops since the last call."""
        rgb, self._rgb = self._rgb, []
        return float(np.mean(rgb)) if rgb else None

    def newest(self) -> tuple[Pulse, Pulse, Controls]:
        """Return the newest samples, those of them that what is to come will not change, and the controls."""
        since_s = self._end_s - KEEP_S - 1
        pulse = newest(self._stream, since_s)
        settled = part(pulse, 0, max(0, len(pulse.samples) - self._input.future))
        return pulse, settled, self._controls.newest(since_s)


def _for_the_eye(rate: HeartRate, pulse: Pulse) -> Pulse:
    """Return the wave without its last second, which is not the same yet as it will be."""
    count = max(0, len(rate.bvp) - round(WAVE_DELAY_S * rate.fps))
    valid = pulse.valid[len(pulse.valid) - len(rate.bvp) :]
    return Pulse(rate.bvp[:count], valid[:count], rate.start_s, rate.fps, "wave", pulse.noise_slope)


def _spectrum(rate: HeartRate, noise_slope: float) -> Spectrum | None:
    newest_s = rate.bvp[-round(spectrum.WINDOW_S * rate.fps) :].astype(np.float64)
    spectra = spectrum.power_spectra(newest_s, rate.fps, noise_slope)
    frequency_hz = spectra.frequency_hz[spectra.band]
    level = spectra.flat[0, spectra.band]
    if level.max() <= 0:
        return None
    step_hz = float(frequency_hz[1] - frequency_hz[0])
    return Spectrum(float(frequency_hz[0]), step_hz, (level / level.max()).astype(np.float32))


def _status(face: bool, window: HeartRateWindow | None, confidence: float) -> LiveStatus:
    if not face:
        return "no_face"
    if window is None:
        return "measuring"
    return "ok" if window.passed and confidence >= MIN_CONFIDENCE else "low_quality"
