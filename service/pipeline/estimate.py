"""The chain: a video file in, a heart rate out. The API, the command line and training/evaluate.py all call it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from service.pipeline.classical import CLASSICAL
from service.pipeline.clip import ClipBuilder
from service.pipeline.decode import VideoReader
from service.pipeline.errors import NoFaceFound, UnknownModel
from service.pipeline.face import FaceTracker
from service.pipeline.frame import Frame
from service.pipeline.infer import OnnxPulseModel
from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.prefetch import prefetch
from service.pipeline.pulse import DEFAULT_CALIBRATION, heart_rate
from service.pipeline.types import (
    Clip,
    DecodeLimits,
    Estimate,
    FaceChoice,
    FaceEstimate,
    FaceTrack,
    HeartRate,
    InputSpec,
    PulseModel,
    PulseStream,
    TrackedFace,
    Warned,
)
from service.pipeline.warn import face_warnings

AUTO = "auto"
CHROMINANCE = "chrom"  # the method whose signal must know of a rate before it is believed; see quality.py
Progress = Callable[[float], None]
Item = TypeVar("Item")


class Estimator:
    """Joins the stages. Models are opened once, when first used or by warm(); one video at a time."""

    def __init__(self, model_store: Path) -> None:
        self.store = ModelStore(model_store)
        self.default = self.store.default
        released = tuple(manifest.name for manifest in self.store.pulse_models())
        self.names: tuple[str, ...] = (*released, *CLASSICAL)
        self._models: dict[str, PulseModel] = {}

    @cached_property
    def detector(self) -> FaceDetector:
        """The face detector of the store."""
        return FaceDetector(self.store.folder("face"))

    def model(self, name: str = AUTO) -> PulseModel:
        """Return a pulse model by name, `auto` for the store's default. Raises UnknownModel or ModelError."""
        name = self.default if name == AUTO else name
        if name not in self.names:
            raise UnknownModel("there is no model or method of this name")
        if name not in self._models:
            self._models[name] = self._open(name)
        return self._models[name]

    def warm(self) -> None:
        """Open the face detector and all models, so that the first request does not pay for it."""
        _ = self.detector
        for name in self.names:
            self.model(name)

    def estimate(
        self,
        path: Path,
        *,
        model: str = AUTO,
        face: FaceChoice = "largest",
        start_s: float = 0.0,
        duration_s: float | None = None,
        limits: DecodeLimits | None = None,
        progress: Progress | None = None,
    ) -> Estimate:
        """Measure the heart rate in a video file.

        start_s and duration_s (seconds) choose a part of it; `progress` is called with the share done, 0..1.
        Raises InputError when the video cannot be used, UnknownModel, or ModelError.
        """
        limits = limits or DecodeLimits()
        reader = VideoReader(path, limits, start_s=start_s, duration_s=duration_s)
        return self._measure(reader, [model], FaceTracker(self.detector, face), limits.min_duration_s, progress)[0]

    def compare(self, path: Path, models: Sequence[str], *, limits: DecodeLimits | None = None) -> tuple[Estimate, ...]:
        """Return each model's answer for the largest face, from one decoding of the video. Raises as estimate."""
        limits = limits or DecodeLimits()
        reader = VideoReader(path, limits)
        return self._measure(reader, models, FaceTracker(self.detector), limits.min_duration_s, None)

    def _measure(
        self,
        reader: VideoReader,
        models: Sequence[str],
        tracker: FaceTracker,
        min_duration_s: float,
        progress: Progress | None,
    ) -> tuple[Estimate, ...]:
        chain = _Chain([self.model(name) for name in models], tracker)
        with reader:
            with closing(prefetch(reader.frames())) as frames:
                for frame in chain.timed("decode", frames):
                    chain.push(frame)
                    if progress and reader.expected_duration_s:
                        progress(min((frame.time_s - reader.start_s) / reader.expected_duration_s, 1.0))
            tracks, warnings = chain.finish(min_duration_s)
        warnings = (*reader.warnings, *warnings)
        return tuple(
            Estimate(chain.faces(index, tracks), reader.info, model.info, dict(chain.timing_s), warnings)
            for index, model in enumerate(chain.models)
        )

    def _open(self, name: str) -> PulseModel:
        if name in CLASSICAL:
            return CLASSICAL[name]()
        return OnnxPulseModel(self.store.folder(name), default_calibration=DEFAULT_CALIBRATION)


@dataclass(slots=True)
class _Way:
    """One face's way: its crops, each model's samples, and what the warnings need."""

    builder: ClipBuilder
    streams: list[PulseStream]
    colour: PulseStream
    crops: int = 0
    comparable: int = 0  # crops while the face was in view and the video had no gap
    brightness_sum: float = 0.0

    @property
    def brightness(self) -> float:
        return self.brightness_sum / self.crops if self.crops else 0.0


class _Chain:
    """The stages of one video, with the seconds that each took. The models take crops of one size and rate."""

    def __init__(self, models: Sequence[PulseModel], tracker: FaceTracker) -> None:
        self.models = models
        self.timing_s: defaultdict[str, float] = defaultdict(float)
        self._input = models[0].input
        assert all((m.input.size, m.input.fps) == (self._input.size, self._input.fps) for m in models), "other crops"
        self._tracker = tracker
        self._ways: dict[int, _Way] = {}

    def timed(self, stage: str, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items; the time spent waiting for each counts for the stage."""
        while True:
            with self._timed(stage):
                item = next(items, None)
            if item is None:
                return
            yield item

    def push(self, frame: Frame) -> None:
        with self._timed("face"):
            tracked = self._tracker.update(frame)
        for face in tracked:
            self._push_face(frame, face)

    def finish(self, min_duration_s: float) -> tuple[list[FaceTrack], tuple[Warned, ...]]:
        """Return the faces seen for at least min_duration_s, largest first. Raises NoFaceFound when there is none."""
        seen = self._tracker.tracks()
        for way in self._ways.values():
            for clip in way.builder.finish():
                self._infer(way, clip)
        # A frame or two may be lost to the first look and to the grid.
        tracks = [t for t in seen if self._ways[t.face_id].comparable >= min_duration_s * self._input.fps * 0.95]
        if not tracks:
            raise NoFaceFound(f"no face was in view for {min_duration_s:g} s")
        warnings = [warned for t in tracks for warned in face_warnings(t, self._ways[t.face_id].brightness)]
        return tracks, tuple(dict.fromkeys(warnings))

    def faces(self, index: int, tracks: Sequence[FaceTrack]) -> tuple[FaceEstimate, ...]:
        """Return what the model of this index says of each face."""
        return tuple(FaceEstimate(track, self._rate(index, self._ways[track.face_id])) for track in tracks)

    def _push_face(self, frame: Frame, face: TrackedFace) -> None:
        way = self._ways.get(face.face_id)
        if way is None:
            way = self._ways[face.face_id] = _Way(
                ClipBuilder(self._input), [m.stream() for m in self.models], CLASSICAL[CHROMINANCE]().stream()
            )
        for clip in self.timed("clip", way.builder.push(frame, face.crop, moved=face.moved)):
            self._infer(way, clip)

    def _infer(self, way: _Way, clip: Clip) -> None:
        way.crops += len(clip.rgb)
        way.comparable += int(clip.comparable.sum())
        way.brightness_sum += float(clip.rgb.mean()) * len(clip.rgb)
        with self._timed("infer"):
            for stream in (*way.streams, way.colour):
                stream.push(clip)

    def _rate(self, index: int, way: _Way) -> HeartRate:
        with self._timed("infer"):
            pulse = way.streams[index].finish()
        with self._timed("pulse"):
            return heart_rate(pulse, self.models[index].calibration, colour=way.colour.finish())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timing_s[stage] += time.perf_counter() - began


def face_clips(
    path: Path, spec: InputSpec, detector: FaceDetector, *, limits: DecodeLimits | None = None
) -> Iterator[Clip]:
    """Yield the clips of the largest face of a video: what a model sees of it, for training and for looking at.

    Raises InputError as Estimator.estimate does.
    """
    tracker, builder = FaceTracker(detector), ClipBuilder(spec)
    with VideoReader(path, limits or DecodeLimits()) as reader, closing(prefetch(reader.frames())) as frames:
        for frame in frames:
            for face in tracker.update(frame):
                yield from builder.push(frame, face.crop, moved=face.moved)
    tracker.tracks()  # raises NoFaceFound when there never was one
    yield from builder.finish()
