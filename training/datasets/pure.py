"""PURE (Stricker, Müller, Gross 2014): 640x480 PNG pictures at 30 fps, a CMS50E oximeter at 60 Hz, six set-ups.

    <SS-TT>/<SS-TT>/Image<nanoseconds>.png
    <SS-TT>/<SS-TT>.json        /FullPackage: [{Timestamp, Value: {waveform, pulseRate, ...}}], /Image: [{Timestamp}]

SS is the subject, TT the set-up. Pictures and pulse carry nanoseconds of one clock. The pictures' times are those in
their names; a folder that lacks more than a few of those in /Image is a half one. The archives as they are handed out
unpack to <SS-TT>/Image*.png beside <SS-TT>.json, which is read as well.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from service.pipeline.images import ImageFiles
from training.datasets.errors import FileMalformed, FilesMissing
from training.datasets.folder import Place, RecordingFolder
from training.datasets.recording import Recording, Trace, pulse_trace

_NAME = re.compile(r"(\d\d)-(\d\d)")
_IMAGE = re.compile(r"Image(\d+)\.png")
_SETUPS = {
    "01": "steady",
    "02": "talking",
    "03": "slow translation",
    "04": "fast translation",
    "05": "small rotation",
    "06": "medium rotation",
}
_SUBJECTS = 10
_NEVER_THERE = {"06-02"}
_MAX_LOST = 0.02  # of the pictures that the JSON lists; a dropped one costs nothing, its neighbours have their times
_NO_READING = ("probeError", "searching")


class Pure(RecordingFolder):
    """The folder of the recordings."""

    dataset = "pure"
    licence = "PURE: from TU Ilmenau on request, for academic research; cite Stricker, Müller and Gross 2014"
    size = "the whole set is 10 subjects in 6 set-ups"

    def absent(self) -> list[str]:
        """Return the names of the set's recordings that are not here; 06-02 is missing in the set itself."""
        whole = {f"{subject:02d}-{setup}" for subject in range(1, _SUBJECTS + 1) for setup in _SETUPS}
        return sorted(whole - _NEVER_THERE - {place.name for place in self.places})

    def read(self, place: Place) -> Recording:
        """Read one take; see RecordingFolder.read."""
        pictures, path = place.files
        stamps = _stamps(pictures)
        facts = _facts(path)
        _check_listed(pictures, set(stamps), facts)
        origin = min(stamps)
        samples = [sample for sample in facts["/FullPackage"] if not any(sample["Value"].get(k) for k in _NO_READING)]
        times_s = [(sample["Timestamp"] - origin) / 1e9 for sample in samples]
        wave, bpm = ([sample["Value"].get(key, np.nan) for sample in samples] for key in ("waveform", "pulseRate"))
        return Recording(
            self.dataset,
            place.subject,
            place.name,
            ImageFiles(tuple(stamps.values()), tuple((stamp - origin) / 1e9 for stamp in stamps)),
            pulse_trace(times_s, wave, path),
            self.licence,
            heart_rate=Trace.of(times_s, bpm, path) if np.isfinite(bpm).all() else None,
            groups={"motion": _SETUPS.get(place.name[3:], place.name[3:])},
        )

    def _find(self) -> list[Place]:
        found = [path.stem for path in self.root.glob("*.json")] + [path.name for path in self._folders()]
        return [self._place(name, match[1]) for name in sorted(set(found)) if (match := _NAME.fullmatch(name))]

    def _place(self, name: str, subject: str) -> Place:
        folder = self.root / name
        unpacked = not (folder / name).exists() and any(folder.glob("Image*.png"))
        beside = not (folder / f"{name}.json").exists() and (self.root / f"{name}.json").exists()
        return Place(
            subject,
            name,
            (folder if unpacked else folder / name, (self.root if beside else folder) / f"{name}.json"),
        )


def _stamps(folder: Path) -> dict[int, Path]:
    """Return the pictures of a folder by their time in nanoseconds, in order."""
    found = {int(match[1]): path for path in folder.iterdir() if (match := _IMAGE.fullmatch(path.name))}
    if not found:
        raise FileMalformed(folder, "holds no picture named Image<nanoseconds>.png")
    return dict(sorted(found.items()))


def _facts(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what the JSON file says, its samples in the form that is documented."""
    try:
        facts = json.loads(path.read_text())
        samples = facts["/FullPackage"]
        fine = all(isinstance(sample["Timestamp"], int) and "waveform" in sample["Value"] for sample in samples)
        pictures = [int(picture["Timestamp"]) for picture in facts.get("/Image", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileMalformed(
            path, "is not JSON with /FullPackage and /Image as lists of time stamps and values"
        ) from error
    if not fine:
        raise FileMalformed(path, "has a sample without a whole Timestamp or a waveform")
    return {"/FullPackage": samples, "/Image": [{"Timestamp": stamp} for stamp in pictures]}


def _check_listed(folder: Path, there: set[int], facts: dict[str, list[dict[str, Any]]]) -> None:
    listed = [picture["Timestamp"] for picture in facts["/Image"]]
    lost = [folder / f"Image{stamp}.png" for stamp in listed if stamp not in there]
    if len(lost) > _MAX_LOST * len(listed):
        raise FilesMissing(folder, lost)
