"""Pictures that are crops of a face already: nothing is looked for, the whole picture is the crop.

What the models learned is a square CROP_SCALE times the face's longer side around its middle, held while the face
stays within it; crops of another make cost accuracy.
"""

from service.pipeline.errors import NoFaceFound, ResolutionOutOfRange
from service.pipeline.frame import Frame
from service.pipeline.types import Box, FaceTrack, TrackedFace

MIN_SIDE = 36  # pixels: what the models see
MAX_ASPECT = 1.5  # beyond it, squeezing the picture into a square would leave no face


class CroppedFace:
    """Says of every frame that the face is there; to be used like face.FaceTracker."""

    sees_around = False  # a caller may crop to the skin

    def __init__(self) -> None:
        self._looks = 0
        self._crops: tuple[tuple[float, Box], ...] = ()

    def update(self, frame: Frame) -> tuple[TrackedFace, ...]:
        """Return the whole picture as the crop of the one face. Raises ResolutionOutOfRange when it is no square."""
        width, height = frame.width, frame.height
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise ResolutionOutOfRange("a crop of a face must be about as wide as high")
        box = Box(0, 0, width, height)
        self._looks += 1
        self._crops = self._crops or ((frame.time_s, box),)
        return (TrackedFace(0, box, moved=False),)

    def tracks(self) -> tuple[FaceTrack, ...]:
        """Return the one face. Raises NoFaceFound before the first frame."""
        if not self._crops:
            raise NoFaceFound("there is no frame")
        return (FaceTrack(0, self._crops, self._looks, self._looks),)
