"""Where the face is: a crop that is held while the face stays in it and moves only when it must.

A move cannot be told from a change of the skin's colour, so frames on its two sides are not to be differenced. The
tracker therefore looks about once a second and keeps the crop still unless the face has left its middle or has changed
its size. It sees each frame once, in order, and knows nothing of later ones: live and recorded video get the same
crops.
"""

from dataclasses import dataclass, field
from typing import Protocol

from service.pipeline.errors import NoFaceFound
from service.pipeline.frame import Frame
from service.pipeline.mtcnn import overlap
from service.pipeline.types import CROP_SCALE, Box, DetectedFace, FaceChoice, FaceTrack, TrackedFace

MAX_OFFSET = 0.15  # of the crop's side, between its centre and the face's
SIZE_RANGE = (0.75, 1.3)  # the face's longer side over the one for which the crop was made
SEARCH_INTERVAL = 0.25  # of the usual interval, while no face has been found yet
LOST_INTERVAL = 0.5  # of the usual interval, once the face has been lost for LOST_LOOKS
LOST_LOOKS = 5
UNSEEN_LOOKS = 2  # missed in a row; from then on the crop shows whatever is there, a lamp that flickers at 110 bpm, say
FULL_EVERY = {"largest": 5, "all": 3}  # looks between two searches of the whole frame
SAME_FACE = 0.2  # overlap above which a face found by a full search is the one that was there
TAKEN = 0.5  # overlap above which two tracks are at one face
MIN_SCORE = 0.9  # to begin with a face: MTCNN's own 0.7 also takes bottles and curtains for one
MIN_SCORE_AGAIN = 0.8  # to find it again where it was
DARKEST = 0.06  # mean RGB, 0..1; below, a pulse of 1 % is a tenth of a grey level: a face that is found is no use
LARGER = 1.5  # sides; a face must be this much larger to become "the largest" in place of the one that is followed
MIN_FOUND_RATIO = 0.1
MAX_FACES = 8


class Detector(Protocol):
    """What the tracker needs: mtcnn.FaceDetector, or a stand-in."""

    def detect(self, frame: Frame) -> list[DetectedFace]:
        """Return all faces in the frame, largest first."""
        ...

    def confirm(self, frame: Frame, box: Box) -> DetectedFace | None:
        """Return the face that was at `box` a moment ago, or None."""
        ...


@dataclass(slots=True)
class _Track:
    """One face: where it was seen last, the crop that is held, and what FaceTrack tells."""

    face_id: int
    face: Box
    crop: Box
    crop_face: Box
    crops: list[tuple[float, Box]]
    found: int = 0
    missed: int = 0
    moved: bool = False

    @classmethod
    def begin(cls, face_id: int, face: Box, time_s: float) -> "_Track":
        crop = crop_of(face)
        return cls(face_id, face, crop, face, [(time_s, crop)])

    def see(self, face: Box, time_s: float) -> None:
        """Take the face's new place; move the crop only when the face does not fit it any more."""
        self.face, self.missed = face, 0
        if not fits(face, self.crop, self.crop_face):
            self.crop, self.crop_face, self.moved = crop_of(face), face, True
            self.crops.append((time_s, self.crop))


@dataclass(slots=True)
class _Tally:
    """Looks counted at most once per interval, so that looking more often while a face is missing weighs no more."""

    interval_s: float
    looks: int = 0
    _last: int | None = None
    _found: set[int] = field(default_factory=set)  # faces already counted in this interval

    def look(self, time_s: float) -> None:
        slot = int(time_s // self.interval_s)
        if slot != self._last:
            self._last = slot
            self.looks += 1
            self._found.clear()

    def find(self, track: _Track) -> None:
        if track.face_id not in self._found:
            self._found.add(track.face_id)
            track.found += 1


class FaceTracker:
    """Follows the largest face, or all of them, through a video.

    interval_s: seconds between two looks at a face that is found.
    """

    sees_around = True

    def __init__(self, detector: Detector, choice: FaceChoice = "largest", *, interval_s: float = 1.0) -> None:
        self._detector = detector
        self._choice = choice
        self._interval_s = interval_s
        self._tracks: list[_Track] = []
        self._tally = _Tally(interval_s)
        self._next_look_s = float("-inf")
        self._since_full = 0

    def update(self, frame: Frame) -> tuple[TrackedFace, ...]:
        """Return the crop to take of each face in this frame, by face_id; nothing until a face was seen.

        To be called once for every frame, in order. While a face is away its crop stays, with frames not comparable.
        """
        for track in self._tracks:
            track.moved = False
        if frame.time_s >= self._next_look_s:
            self._look(frame)
            self._next_look_s = frame.time_s + self._wait_s() - 1e-6
        return tuple(
            TrackedFace(
                track.face_id,
                track.crop,
                track.moved or track.missed >= UNSEEN_LOOKS,
                away=track.missed >= UNSEEN_LOOKS,
            )
            for track in self._tracks
        )

    def forget(self) -> None:
        """Forget where the crops were before: live video has no end. `tracks` then tells the present crop alone."""
        for track in self._tracks:
            del track.crops[:-1]

    def tracks(self) -> tuple[FaceTrack, ...]:
        """Return the faces of all frames so far, largest first.

        Raises NoFaceFound when no face was found, or each in fewer than a tenth of the looks.
        """
        looks = self._tally.looks
        kept = [track for track in self._tracks if track.found >= MIN_FOUND_RATIO * looks]
        if not kept:
            raise NoFaceFound("no face was found in the video")
        kept.sort(key=lambda track: -sum(crop.area for _, crop in track.crops) / len(track.crops))
        return tuple(FaceTrack(track.face_id, tuple(track.crops), looks, track.found) for track in kept)

    def _wait_s(self) -> float:
        if not self._tracks:
            return self._interval_s * SEARCH_INTERVAL
        if all(track.missed >= LOST_LOOKS for track in self._tracks):
            return self._interval_s * LOST_INTERVAL
        return self._interval_s

    def _look(self, frame: Frame) -> None:
        self._tally.look(frame.time_s)
        missing = [track for track in self._tracks if not self._confirm(frame, track)]
        self._since_full += 1
        if missing or not self._tracks or self._since_full >= FULL_EVERY[self._choice]:
            self._since_full = 0
            faces = [face for face in self._detector.detect(frame) if _usable(frame, face, MIN_SCORE)]
            self._search([face.box for face in faces], missing, frame.time_s)

    def _confirm(self, frame: Frame, track: _Track) -> bool:
        """Look where the face was; a face that is found is seen."""
        face = None if track.missed else self._detector.confirm(frame, track.face)
        if face is None or not _usable(frame, face, MIN_SCORE_AGAIN) or self._is_taken(face.box, track):
            return False
        self._see(track, face.box, frame.time_s)
        return True

    def _is_taken(self, face: Box, track: _Track) -> bool:
        """Whether an earlier track was there at this look: two never follow one face."""
        earlier = self._tracks[: self._tracks.index(track)]
        return any(not other.missed and overlap(face, other.face) > TAKEN for other in earlier)

    def _see(self, track: _Track, face: Box, time_s: float) -> None:
        self._tally.find(track)
        track.see(face, time_s)

    def _search(self, faces: list[Box], missing: list[_Track], time_s: float) -> None:
        """Take the result of a search of the whole frame: faces found again, larger ones, new ones."""
        fresh = [
            face for face in faces if all(overlap(face, t.face) < SAME_FACE for t in self._tracks if t not in missing)
        ]
        for track in missing:
            again = max(fresh, key=lambda face: overlap(face, track.face), default=None)
            if again is not None and _may_be(again, track):
                fresh.remove(again)
                self._see(track, again, time_s)
            else:
                track.missed += 1
        if self._choice == "all" or not self._tracks:
            self._begin(fresh, time_s)
        elif fresh and side(fresh[0]) > LARGER * side(self._tracks[0].face):
            self._see(self._tracks[0], fresh[0], time_s)

    def _begin(self, faces: list[Box], time_s: float) -> None:
        """Follow new faces, all or the largest."""
        room = MAX_FACES - len(self._tracks) if self._choice == "all" else 1
        for face in faces[:room]:
            track = _Track.begin(len(self._tracks), face, time_s)
            self._tracks.append(track)
            self._tally.find(track)


def _usable(frame: Frame, face: DetectedFace, min_score: float) -> bool:
    """Whether a face is certain enough and bright enough to measure."""
    return face.score >= min_score and float(frame.area_average(face.box, 1, 1).mean()) >= DARKEST


def _may_be(face: Box, track: _Track) -> bool:
    """Whether a face of a full search is the track's: where it was, near it in like size, or anywhere once lost."""
    if overlap(face, track.face) >= SAME_FACE or track.missed >= LOST_LOOKS:
        return True
    near = max(abs(dx) for dx in _centre_shift(face, track.face)) < 2 * side(track.face)
    return near and 0.6 < side(face) / side(track.face) < 1.6


def side(box: Box) -> float:
    """Return a box's longer side in pixels."""
    return max(box.width, box.height)


def crop_of(face: Box) -> Box:
    """Return the square crop for a face, on even whole pixels: it then cuts no chroma cell of a 4:2:0 picture."""
    square = face.square(CROP_SCALE)
    x0, y0, length = (2 * round(value / 2) for value in (square.x0, square.y0, square.width))
    return Box(x0, y0, x0 + max(2, length), y0 + max(2, length))


def fits(face: Box, crop: Box, crop_face: Box) -> bool:
    """Whether a crop made for crop_face still serves a face: in it, near its middle and of like size."""
    inside = crop.x0 <= face.x0 and crop.y0 <= face.y0 and face.x1 <= crop.x1 and face.y1 <= crop.y1
    centred = max(abs(shift) for shift in _centre_shift(face, crop)) <= MAX_OFFSET * crop.width
    return inside and centred and SIZE_RANGE[0] <= side(face) / side(crop_face) <= SIZE_RANGE[1]


def _centre_shift(a: Box, b: Box) -> tuple[float, float]:
    return (a.x0 + a.x1 - b.x0 - b.x1) / 2, (a.y0 + a.y1 - b.y0 - b.y1) / 2
