"""The chain of one video: frames through face, clip and inference; at any time a heart rate per face and model."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeVar

from service.pipeline.answers import SMOOTHED, FaceEstimate, HeartRate
from service.pipeline.clip import ClipBuilder
from service.pipeline.control_stream import ControlStream
from service.pipeline.controls import Controls
from service.pipeline.errors import NoFaceFound
from service.pipeline.frame import Frame
from service.pipeline.pulse import extras, heart_rate
from service.pipeline.types import Clip, FaceTrack, Pulse, PulseModel, PulseStream, TrackedFace, VideoInfo, Warned
from service.pipeline.warn import face_warnings

Item = TypeVar("Item")


class FrameSource(Protocol):
    """Where frames come from: a video file, a batch of images. A context manager, read once."""

    @property
    def info(self) -> VideoInfo:
        """What was read; complete once the frames are."""
        ...

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What the caller should know; complete once the frames are."""
        ...

    @property
    def start_s(self) -> float:
        """Time of the first frame wanted, in seconds."""
        ...

    @property
    def expected_duration_s(self) -> float | None:
        """How long it will be, where that is known beforehand."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order of their times. Raises InputError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tracker(Protocol):
    """Which crops to take of each frame: face.FaceTracker, or cropped.CroppedFace."""

    @property
    def sees_around(self) -> bool:
        """Whether the crops show more than the face."""
        ...

    def update(self, frame: Frame) -> tuple[TrackedFace, ...]:
        """Return the crop of each face in the next frame."""
        ...

    def tracks(self) -> tuple[FaceTrack, ...]:
        """Return the faces of all frames so far, largest first. Raises NoFaceFound when there is none."""
        ...


@dataclass(slots=True)
class _Way:
    """One face's way: its crops, each model's samples, what they are checked against, and what the warnings need."""

    builder: ClipBuilder
    streams: list[PulseStream]
    controls: ControlStream
    crops: int = 0
    comparable: int = 0  # crops while the face was in view and the video had no gap
    brightness_sum: float = 0.0

    @property
    def brightness(self) -> float:
        return self.brightness_sum / self.crops if self.crops else 0.0


class Chain:
    """Frames in, a heart rate per face and model out. The models take crops of one size and rate."""

    def __init__(self, models: Sequence[PulseModel], tracker: Tracker) -> None:
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
        """Take the next frame: look for faces, crop, and infer whenever a stretch of crops is complete."""
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
        return tuple(self._estimate(index, track) for track in tracks)

    def seen(self, index: int, track: FaceTrack) -> tuple[Pulse, Controls]:
        """Return what the model of this index makes of a face, and what that is checked against."""
        return self._pulse_and_controls(index, self._ways[track.face_id])

    def so_far(self, index: int) -> HeartRate | None:
        """Return what the model of this index says of the largest face up to now, None before there is one.

        Crops that do not fill a stretch yet are not in it, and what is to come may change it.
        """
        try:
            tracks = self._tracker.tracks()
        except NoFaceFound:
            return None
        way = self._ways.get(tracks[0].face_id)
        return None if way is None or not way.crops else self._rate(index, way)[1]

    def _push_face(self, frame: Frame, face: TrackedFace) -> None:
        way = self._ways.get(face.face_id)
        if way is None:
            way = self._ways[face.face_id] = _Way(
                ClipBuilder(self._input),
                [m.stream() for m in self.models],
                ControlStream(sees_around=self._tracker.sees_around),
            )
        way.controls.note(frame, face.crop)
        for clip in self.timed("clip", way.builder.push(frame, face.crop, moved=face.moved)):
            self._infer(way, clip)

    def _infer(self, way: _Way, clip: Clip) -> None:
        way.crops += len(clip.rgb)
        way.comparable += int(clip.comparable.sum())
        way.brightness_sum += float(clip.rgb.mean()) * len(clip.rgb)
        with self._timed("infer"):
            for stream in way.streams:
                stream.push(clip)
            way.controls.push(clip)

    def _estimate(self, index: int, track: FaceTrack) -> FaceEstimate:
        pulse, rate = self._rate(index, self._ways[track.face_id])
        if self.models[index].input.windowed:  # of three rendered RMSSD that passed the gate two were 10 ms off
            return FaceEstimate(track, rate, SMOOTHED, SMOOTHED)
        with self._timed("pulse"):
            return FaceEstimate(track, rate, *extras(pulse, rate))

    def _rate(self, index: int, way: _Way) -> tuple[Pulse, HeartRate]:
        pulse, controls = self._pulse_and_controls(index, way)
        with self._timed("pulse"):
            return pulse, heart_rate(pulse, self.models[index].calibration, controls=controls)

    def _pulse_and_controls(self, index: int, way: _Way) -> tuple[Pulse, Controls]:
        with self._timed("infer"):
            pulse = way.streams[index].finish()
        with self._timed("pulse"):
            return pulse, way.controls.finish()

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timing_s[stage] += time.perf_counter() - began
