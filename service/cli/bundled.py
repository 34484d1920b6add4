"""The clip that comes with FacePulse: 15 s of a rendered face with a known pulse."""

from pathlib import Path

_PLACES = (Path(__file__).parents[1] / "astronaut.mp4", Path(__file__).parents[2] / "demo" / "astronaut.mp4")


def bundled_clip() -> Path | None:
    """Return the clip of a wheel or of a checkout, None where it was left out."""
    return next((place for place in _PLACES if place.is_file()), None)
