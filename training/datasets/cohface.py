"""COHFACE (Heusch, Anjos, Marcel 2017): 40 people, four takes of a minute each, strongly compressed 640x480 at 20 fps.

    <ID>/<SESSION>/data.avi
    <ID>/<SESSION>/data.hdf5        `pulse`, `time` (s, 0 is the first frame) and `respiration`, 256 Hz

Sessions 0 and 1 are lit by a lamp, 2 and 3 by a window from the side.
"""

from pathlib import Path
from typing import Any

import h5py

from training.datasets.errors import FileMalformed
from training.datasets.folder import Place, RecordingFolder
from training.datasets.recording import Recording, Trace, pulse_trace

_PEOPLE, _SESSIONS = 40, 4
_LAMP_SESSIONS = {"0", "1"}


class Cohface(RecordingFolder):
    """The folder that holds those of the people."""

    dataset = "cohface"
    licence = "COHFACE: from Idiap under its own agreement, for research; cite Heusch, Anjos and Marcel 2017"
    size = "the whole set is 40 people in 4 sessions"

    def absent(self) -> list[str]:
        """Return the names (ID/SESSION) of the set's recordings that are not here."""
        names = {place.name for place in self.places}
        whole = [f"{person}/{session}" for person in range(1, _PEOPLE + 1) for session in range(_SESSIONS)]
        return [name for name in whole if name not in names]

    def read(self, place: Place) -> Recording:
        """Read one session; see RecordingFolder.read."""
        video, sensors = place.files
        light = "lamp" if place.name.rpartition("/")[2] in _LAMP_SESSIONS else "natural"
        return Recording(
            self.dataset, place.subject, place.name, video, _pulse(sensors), self.licence, groups={"light": light}
        )

    def _find(self) -> list[Place]:
        sessions = [
            folder
            for person in self._folders()
            for folder in person.iterdir()
            if person.name.isdigit() and folder.name.isdigit() and folder.is_dir()
        ]
        return [
            Place(
                folder.parent.name,
                f"{folder.parent.name}/{folder.name}",
                (folder / "data.avi", folder / "data.hdf5"),
            )
            for folder in sessions
        ]


def _pulse(path: Path) -> Trace:
    """Return the pulse in a data.hdf5."""
    try:
        with h5py.File(path) as file:
            times_s, pulse = (_values(path, file, name) for name in ("time", "pulse"))
    except OSError as error:
        raise FileMalformed(path, "is not an HDF5 file") from error
    return pulse_trace(times_s, pulse, path)


def _values(path: Path, file: Any, name: str) -> Any:
    values = file.get(name)
    if not isinstance(values, h5py.Dataset) or values.dtype.kind not in "iuf":
        raise FileMalformed(path, f"holds no numbers called {name}")
    return values[()]
