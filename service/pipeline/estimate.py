"""The chain: a video file in, a heart rate out. The API, the command line and training/evaluate.py all call it."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from service.pipeline.answers import Estimate
from service.pipeline.chain import Chain, FrameSource, Tracker
from service.pipeline.classical import CLASSICAL
from service.pipeline.clip import CHUNK_FRAMES, ClipBuilder
from service.pipeline.controls import Controls
from service.pipeline.cropped import MIN_SIDE, CroppedFace
from service.pipeline.decode import VideoReader
from service.pipeline.errors import UnknownModel
from service.pipeline.face import FaceTracker
from service.pipeline.images import BatchReader, FrameBatch
from service.pipeline.infer import OnnxPulseModel
from service.pipeline.live_messages import GivenFace, LiveMessages
from service.pipeline.manifest import ModelStore, Release
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.prefetch import prefetch
from service.pipeline.progress import Progress, ProgressReport
from service.pipeline.pulse import DEFAULT_CALIBRATION
from service.pipeline.types import Box, Clip, DecodeLimits, FaceChoice, FaceTrack, InputSpec, Pulse, PulseModel, Warned

AUTO = "auto"


class Estimator:
    """Joins the stages. Models are opened once, when first used or by warm(); one video at a time."""

    def __init__(self, model_store: Path, release: Release | None = None, default: str = "") -> None:
        """Serve what the store names, or exactly `release`; default: what `auto` means instead of the store's own.

        Raises ManifestInvalid or ModelCorrupt.
        """
        self.store = ModelStore(model_store, release, default)
        self.default = self.store.default
        released = tuple(manifest.name for manifest in self.store.pulse_models())
        self.names: tuple[str, ...] = (*released, *CLASSICAL)
        self._models: dict[str, PulseModel] = {}

    @cached_property
    def detector(self) -> FaceDetector:
        """The face detector of the store."""
        return FaceDetector(self.store.folder("face"))

    def resolve(self, name: str = AUTO) -> str:
        """Return the name of the model that is meant: `auto` is the default. Raises UnknownModel."""
        if name == AUTO and self.default not in self.names:
            raise UnknownModel(f"the default is to be {self.default}, and there is no model or method of this name")
        if name not in (AUTO, *self.names):
            raise UnknownModel("there is no model or method of this name")
        return self.default if name == AUTO else name

    def model(self, name: str = AUTO) -> PulseModel:
        """Return a pulse model by name, `auto` for the default. Raises UnknownModel or ModelError."""
        name = self.resolve(name)
        if name not in self._models:
            self._models[name] = self._open(name)
        return self._models[name]

    @property
    def release(self) -> Release:
        """The models that it serves. Raises ManifestInvalid or ModelCorrupt when the store holds others by now."""
        return self.store.release()

    def warm(self) -> None:
        """Open the face detector and all models, so that the first request does not pay for it."""
        _ = self.detector
        self.model()  # a default of no known name is a fault too
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
        progress: Callable[[Progress], None] | None = None,
    ) -> Estimate:
        """Measure the heart rate in a video file.

        start_s and duration_s (seconds) choose a part of it; `progress` is called at each frame (its share
        stays 0 where the file does not say how long it is).
        Raises InputError when the video cannot be used, UnknownModel, or ModelError.
        """
        limits = limits or DecodeLimits()
        reader = VideoReader(path, limits, start_s=start_s, duration_s=duration_s)
        return self._measure(reader, [model], FaceTracker(self.detector, face), limits.min_duration_s, progress)[0]

    def estimate_frames(
        self,
        batch: FrameBatch,
        *,
        cropped: bool = False,
        model: str = AUTO,
        face: FaceChoice = "largest",
        limits: DecodeLimits | None = None,
    ) -> Estimate:
        """Measure the heart rate in a batch of frames; `cropped`: they are crops of one face, see cropped.py.

        Raises InputError when the frames cannot be used, UnknownModel, or ModelError.
        """
        limits = limits or DecodeLimits()
        tracker: Tracker = CroppedFace() if cropped else FaceTracker(self.detector, face)
        if cropped:
            limits = replace(limits, min_side=MIN_SIDE)
        return self._measure(BatchReader(batch, limits), [model], tracker, limits.min_duration_s, None)[0]

    def compare(
        self, source: Path | FrameSource, models: Sequence[str], *, limits: DecodeLimits | None = None
    ) -> tuple[Estimate, ...]:
        """Return each model's answer for the largest face, from one reading of the frames. Raises as estimate.

        source: a video file, or frames that are not opened yet and have limits of their own. The models take crops of
        one size and rate.
        """
        limits = limits or DecodeLimits()
        reader = VideoReader(source, limits) if isinstance(source, Path) else source
        return self._measure(reader, models, FaceTracker(self.detector), limits.min_duration_s, None)

    def observe(
        self, source: Path | FrameSource, models: Sequence[str], *, limits: DecodeLimits | None = None
    ) -> tuple[tuple[Pulse, Controls], ...]:
        """Return what each model makes of the largest face and what it is checked against, as `compare` sees them."""
        limits = limits or DecodeLimits()
        reader = VideoReader(source, limits) if isinstance(source, Path) else source
        chain = Chain([self.model(name) for name in models], FaceTracker(self.detector))
        tracks, _ = self._run(chain, reader, limits.min_duration_s, None)
        return tuple(chain.seen(index, tracks[0]) for index in range(len(models)))

    def live(
        self, *, model: str = AUTO, face_box: Box | None = None, limits: DecodeLimits | None = None
    ) -> LiveMessages:
        """Begin a live measurement of the largest face; see LiveMessages for what it takes and tells.

        face_box: where the face is in every frame, for a caller who knows. Raises UnknownModel, ModelError, or
        FramesMismatch for a box that cannot be.
        """
        limits = limits or DecodeLimits()
        follower = FaceTracker(self.detector) if face_box is None else GivenFace(face_box, limits)
        return LiveMessages(self.model(model), follower, limits)

    def _measure(
        self,
        reader: FrameSource,
        models: Sequence[str],
        tracker: Tracker,
        min_duration_s: float,
        progress: Callable[[Progress], None] | None,
    ) -> tuple[Estimate, ...]:
        chain = Chain([self.model(name) for name in models], tracker)
        tracks, warnings = self._run(chain, reader, min_duration_s, progress)
        warnings = (*reader.warnings, *warnings)
        return tuple(
            Estimate(chain.faces(index, tracks), reader.info, model.info, dict(chain.timing_s), warnings)
            for index, model in enumerate(chain.models)
        )

    def _run(
        self,
        chain: Chain,
        reader: FrameSource,
        min_duration_s: float,
        progress: Callable[[Progress], None] | None,
    ) -> tuple[list[FaceTrack], tuple[Warned, ...]]:
        report = ProgressReport(progress, lambda: chain.so_far(0)) if progress else None
        with reader:
            with closing(prefetch(reader.frames())) as frames:
                for frame in chain.timed("decode", frames):
                    chain.push(frame)
                    if report:
                        report.update((frame.time_s - reader.start_s) / (reader.expected_duration_s or math.inf))
            return chain.finish(min_duration_s)

    def _open(self, name: str) -> PulseModel:
        if name in CLASSICAL:
            return CLASSICAL[name]()
        return OnnxPulseModel(self.store.folder(name), default_calibration=DEFAULT_CALIBRATION)


def face_clips(
    source: FrameSource, spec: InputSpec, detector: FaceDetector, *, chunk: int = CHUNK_FRAMES
) -> Iterator[Clip]:
    """Yield the clips of the largest face: what a model sees of it, for training and for looking at.

    source: a VideoReader or a BatchReader, not opened yet. Each clip has `chunk` crops and follows the one before, the
    last is shorter. Raises InputError as Estimator.estimate does.
    """
    tracker, builder = FaceTracker(detector), ClipBuilder(spec, chunk=chunk)
    with source, closing(prefetch(source.frames())) as frames:
        for frame in frames:
            for face in tracker.update(frame):
                yield from builder.push(frame, face.crop, moved=face.moved)
    tracker.tracks()  # raises NoFaceFound when there never was one
    yield from builder.finish()
