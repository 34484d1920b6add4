"""Warnings about a face that was measured: what a person could do better next time."""

from collections.abc import Iterator

from service.pipeline.types import CROP_SCALE, FaceTrack, Warned

DARK = 0.12  # mean RGB of the crop, 0..1: below, the pulse is under the sensor's noise
BRIGHT = 0.88
SMALL_FACE_PX = 60.0
SELDOM = 0.8  # share of the looks
MOVES_PER_LOOK = 0.1


def face_warnings(track: FaceTrack, brightness: float) -> Iterator[Warned]:
    """Yield the warnings for one face; `brightness` is the mean RGB of its crops, 0..1."""
    if brightness < DARK:
        yield Warned("too_dark", "The face is too dark; more light would help.")
    if brightness > BRIGHT:
        yield Warned("too_bright", "The face is overexposed; less light would help.")
    if track.found_ratio < SELDOM:
        yield Warned("face_lost", f"The face was found in {track.found_ratio:.0%} of the looks at the video.")
    if min(box.width for _, box in track.crops) < SMALL_FACE_PX * CROP_SCALE:
        yield Warned("face_small", "The face is small in the picture; coming closer would help.")
    if len(track.crops) > 1 + MOVES_PER_LOOK * track.looks:
        yield Warned("restless", "The head moved about a lot; holding still would help.")
