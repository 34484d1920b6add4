"""Faces whose places are known at each time, for the tests of the tracker."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from service.pipeline.face import FaceTracker
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.mtcnn import overlap
from service.pipeline.types import Box, DetectedFace, TrackedFace

GREY = np.full((48, 64, 3), 128, np.uint8)
MAIN, OTHER = Box(100, 100, 200, 220), Box(400, 100, 490, 210)
Places = Callable[[float], list[Box]]


@dataclass
class Script:
    """A detector that knows where the faces are at each time."""

    places: Places
    score: float = 0.99
    searches: list[float] = field(default_factory=list)
    confirms: list[float] = field(default_factory=list)

    def detect(self, frame: Frame) -> list[DetectedFace]:
        self.searches.append(frame.time_s)
        faces = [DetectedFace(box, self.score) for box in self.places(frame.time_s)]
        return sorted(faces, key=lambda face: -face.box.area)

    def confirm(self, frame: Frame, box: Box) -> DetectedFace | None:
        self.confirms.append(frame.time_s)
        near = [place for place in self.places(frame.time_s) if overlap(place, box) > 0.5]
        return DetectedFace(near[0], self.score) if near else None


def watch(
    tracker: FaceTracker, seconds: float, *, fps: float = 10.0, rgb: np.ndarray = GREY
) -> list[tuple[TrackedFace, ...]]:
    """Show the tracker a video of one picture; what it answered, frame by frame."""
    return [tracker.update(frame_from_rgb(rgb, index / fps)) for index in range(round(seconds * fps))]


def still(*boxes: Box) -> Places:
    return lambda _time_s: list(boxes)


def shifted(box: Box, x: float) -> Box:
    return Box(box.x0 + x, box.y0, box.x1 + x, box.y1)
