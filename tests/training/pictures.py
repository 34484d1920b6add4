"""Whether a plot is a picture with something on it."""

from pathlib import Path

import cv2


def has_content(path: Path) -> bool:
    """Return whether `path` is a picture of a sensible size that is not all of one colour."""
    picture = cv2.imread(str(path))
    return picture is not None and min(picture.shape[:2]) > 200 and float(picture.std()) > 8
