"""Own recordings: a video, and a contact sensor's wave beside it under the same name.

    <subject>/.../<take>.mp4 (.mov .mkv .webm .avi)
    <subject>/.../<take>.csv        a header with the columns time_s and ppg; others are ignored

time_s counts from the video's first frame; ppg rises with more blood, in any unit, with at least 10 samples a second.
The subject is the first folder below the root. What lies in the root itself is all taken for one person's: nobody may
be in two sets by an oversight.
"""

from pathlib import Path

from training.datasets.folder import Place, RecordingFolder
from training.datasets.number_file import read_named_columns
from training.datasets.recording import Recording, pulse_trace

_VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi")


class OwnRecordings(RecordingFolder):
    """A folder of own recordings."""

    dataset = "own"
    licence = "own recordings: whatever their subjects have agreed to"
    size = "a recording is <subject>/<take>.mp4 and <subject>/<take>.csv"

    def read(self, place: Place) -> Recording:
        """Read one take; see RecordingFolder.read."""
        video, sensor = place.files
        columns = read_named_columns(sensor, ("time_s", "ppg"))
        pulse = pulse_trace(columns["time_s"], columns["ppg"], sensor)
        return Recording(self.dataset, place.subject, place.name, video, pulse, self.licence)

    def _find(self) -> list[Place]:
        files = [path for path in self.root.rglob("*") if path.suffix.lower() in (*_VIDEOS, ".csv") and path.is_file()]
        videos = {path.with_suffix(""): path for path in files if path.suffix.lower() in _VIDEOS}
        takes = sorted({path.with_suffix("") for path in files})
        return [self._place(take, videos.get(take, take.with_suffix(".mp4"))) for take in takes]

    def _place(self, take: Path, video: Path) -> Place:
        inside = take.relative_to(self.root)
        subject = inside.parts[0] if len(inside.parts) > 1 else self.root.resolve().name
        return Place(subject, inside.as_posix(), (video, video.with_suffix(".csv")))
