"""UBFC-rPPG (Bobbia et al. 2019): uncompressed 640x480 webcam video, a CMS50E oximeter on the finger.

    DATASET_1/<name>/vid.avi (or vid-*.avi), gtdump.xmp        CSV: time in ms, heart rate, SpO2, PPG; about 62 Hz
    DATASET_2/subject<N>/vid.avi, ground_truth.txt             three lines: PPG, heart rate, time in s

The root may hold both parts, or be one of them; a folder's files tell of which it is. The papers' tables are those of
DATASET_2. Its authors took the reference rate from the PPG and not from the oximeter's own reading, as is done here.
"""

import re
from pathlib import Path

from training.datasets.errors import FileMalformed
from training.datasets.folder import Place, RecordingFolder
from training.datasets.number_file import read_columns, read_rows
from training.datasets.recording import Recording, Series, Trace, pulse_trace

_FIRST, _SECOND = "gtdump.xmp", "ground_truth.txt"
_FIRST_NAMES = re.compile(r"\d+-gt|after-exercise")
_SECOND_NAMES = re.compile(r"subject\d+")


class UbfcRppg(RecordingFolder):
    """The folder of either part, or of both. A subject's name is its folder's."""

    dataset = "ubfc-rppg"
    licence = "UBFC-rPPG: from its authors on request, for research; cite Bobbia et al. 2019"
    size = "the authors hand out 8 recordings as DATASET_1 and 42 as DATASET_2"

    def read(self, place: Place) -> Recording:
        """Read one subject; see RecordingFolder.read."""
        video, truth = place.files
        times_s, ppg, bpm = _read_first(truth) if truth.name == _FIRST else _read_second(truth)
        return Recording(
            self.dataset,
            place.subject,
            place.name,
            video,
            pulse_trace(times_s, ppg, truth),
            self.licence,
            heart_rate=Trace.of(times_s, bpm, truth),
        )

    def _find(self) -> list[Place]:
        below = [folder for part in self._folders() for folder in part.iterdir() if folder.is_dir()]
        return [_place(folder) for folder in (*self._folders(), *below) if _is_subject(folder)]


def _is_subject(folder: Path) -> bool:
    named = _FIRST_NAMES.fullmatch(folder.name) or _SECOND_NAMES.fullmatch(folder.name)
    return bool(named) or any((folder / name).exists() for name in (_FIRST, _SECOND, "vid.avi"))


def _place(folder: Path) -> Place:
    videos = [folder / "vid.avi", *sorted(folder.glob("vid*.avi"))]
    video = next((path for path in videos if path.exists()), videos[0])
    is_second = (folder / _SECOND).exists() or (
        not (folder / _FIRST).exists() and not _FIRST_NAMES.fullmatch(folder.name)
    )
    return Place(folder.name, folder.name, (video, folder / (_SECOND if is_second else _FIRST)))


def _read_first(path: Path) -> tuple[Series, Series, Series]:
    """Return times (s), PPG and heart rates (bpm) of a gtdump.xmp."""
    time_ms, bpm, _, ppg = read_columns(path, 4)
    return time_ms / 1000, ppg, bpm


def _read_second(path: Path) -> tuple[Series, Series, Series]:
    """Return times (s), PPG and heart rates (bpm) of a ground_truth.txt."""
    rows = read_rows(path)
    if len(rows) != 3:
        raise FileMalformed(path, f"has {len(rows)} lines of numbers; PPG, heart rate and time are three")
    ppg, bpm, times_s = rows
    return times_s, ppg, bpm
