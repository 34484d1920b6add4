"""What the newest seconds of a live video were like, and what a person before the camera should be told of them."""

from collections import deque
from itertools import pairwise

from service.pipeline.frame import Frame
from service.pipeline.pixels import is_grey
from service.pipeline.types import Box, FaceTrack, TrackedFace, Warned
from service.pipeline.warn import DARK, face_warnings

RECENT_S = 10.0
LOW_FPS = 15.0
_MIN_SPAN_S = 2.0  # a frame rate of less than that is chance

_NO_FACE = Warned("no_face", "No face is in view.")
_TOO_DARK = Warned("too_dark", "The picture is too dark; more light would help.")
_NO_COLOUR = Warned("no_colour", "The picture is grey; a pulse needs colour.")
_SLOW = Warned("low_frame_rate", "Few frames arrive; a faster camera or connection would help.")
_GAP = Warned("frames_missing", "For a moment no frames arrived.")


class Recent:
    """The newest RECENT_S of frames as times and crops, never pictures; the memory it takes does not grow.

    max_gap_s: a longer pause between two frames is told.
    """

    def __init__(self, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s
        self._frames: deque[tuple[float, TrackedFace | None]] = deque()
        self._picture_rgb = 1.0
        self._face_rgb: float | None = None
        self.grey = False

    @property
    def face(self) -> TrackedFace | None:
        """The face in the newest frame, None where none was found lately."""
        face = self._frames[-1][1] if self._frames else None
        return None if face is None or face.away else face

    @property
    def fps(self) -> float:
        """Frames per second lately, 0 below two of them."""
        return (len(self._frames) - 1) / self._span_s if self._span_s > 0 else 0.0

    def note(self, time_s: float, face: TrackedFace | None) -> None:
        """Take the next frame's time and crop."""
        self._frames.append((time_s, face))
        while self._frames[0][0] < time_s - RECENT_S:
            self._frames.popleft()

    def look(self, frame: Frame, face_rgb: float | None) -> None:
        """Look at a picture as a whole, about once a second; face_rgb is the mean of the crops since, 0..1."""
        self._picture_rgb = float(frame.area_average(Box(0, 0, frame.width, frame.height), 1, 1).mean())
        self._face_rgb = face_rgb
        self.grey = bool(is_grey(frame))

    def warnings(self) -> tuple[Warned, ...]:
        """Say what is wrong at present, the worst first."""
        return (*self._of_picture(), *self._of_face(), *self._of_times())

    def _of_picture(self) -> tuple[Warned, ...]:
        if self.face is None:
            return (_TOO_DARK, _NO_FACE) if self._picture_rgb < DARK else (_NO_FACE,)
        return (_NO_COLOUR,) if self.grey else ()

    def _of_face(self) -> tuple[Warned, ...]:
        """Judge the newest seconds of the face as a recording of that length is judged."""
        if self.face is None or self._face_rgb is None:
            return ()
        faces = [(time_s, face) for time_s, face in self._frames if face is not None]
        moves = [(time_s, face.crop) for time_s, face in faces[1:] if face.moved and not face.away]
        found_ratio = sum(not face.away for _, face in faces) / len(self._frames)
        looks = max(1, round(self._span_s))  # a tracker looks once a second
        crops = ((faces[0][0], self.face.crop), *moves)
        return tuple(
            face_warnings(FaceTrack(self.face.face_id, crops, looks, round(looks * found_ratio)), self._face_rgb)
        )

    def _of_times(self) -> tuple[Warned, ...]:
        slow = self._span_s >= _MIN_SPAN_S and self.fps < LOW_FPS
        gap = any(later - earlier > self._max_gap_s for (earlier, _), (later, _) in pairwise(self._frames))
        return (*((_SLOW,) if slow else ()), *((_GAP,) if gap and not slow else ()))

    @property
    def _span_s(self) -> float:
        return self._frames[-1][0] - self._frames[0][0] if self._frames else 0.0
