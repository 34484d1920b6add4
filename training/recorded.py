"""Recordings -> clips for the cache: cut into stretches that follow one another, each with the pulse at its own times.

A clip holds what the service sees of the largest face. Of a recording only the stretch at hand is in memory. A stretch
is left out where the sensor was not at work all through it, or the face was away for half of it: those would teach
noise. What is left over at the end is too short and dropped.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from zlib import crc32

from service.pipeline.errors import InputError
from service.pipeline.estimate import face_clips
from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import Clip, InputSpec
from training.clips import ClipWriter, TrainingClip
from training.datasets.folder import Place, RecordingFolder
from training.datasets.recording import Recording
from training.pool import spread

NO_PULSE = "the sensor was not at work"
NO_FACE = "the face was away"
_MIN_COMPARABLE = 0.5
_CLIPS_PER_SHARD = 16  # 40 MB of 320 frames: one process per recording writes its own


class Cutter:
    """Cuts recordings into clips of `frames` crops; one per process."""

    def __init__(self, model_store: Path, spec: InputSpec, frames: int) -> None:
        """Open the store's face detector. Raises ModelError."""
        self._detector = FaceDetector(ModelStore(model_store).folder("face"))
        self._spec, self._frames = spec, frames

    def cut(self, recording: Recording, left_out: Counter[str]) -> Iterator[TrainingClip]:
        """Yield the clips in the order of their times; count in `left_out` what is not used, by the reason.

        A video that the service refuses counts by the error's code; the clips before it broke off are good.
        """
        try:
            for clip in face_clips(recording.open(), self._spec, self._detector, chunk=self._frames):
                if len(clip.rgb) < self._frames:
                    continue
                fault = _fault(recording, clip)
                if fault is None:
                    yield _labelled(recording, clip)
                else:
                    left_out[fault] += 1
        except InputError as error:
            left_out[f"{error.code} in {recording.name}"] += 1


def prepare_recordings(
    folder: RecordingFolder, out: Path, *, make: Callable[[], Cutter], jobs: int = 1
) -> tuple[int, Counter[str]]:
    """Put all recordings of a folder into the cache `out`; return how many clips came of them, and what was left out.

    A recording's clips take the place of those that it has in the cache already. Raises DatasetInvalid.
    """
    folder.check()
    task = partial(_prepare, folder=folder, out=out)
    count, left_out = 0, Counter[str]()
    for added, faults in spread(task, folder.places, make=make, jobs=jobs, unit="recording"):
        count += added
        left_out += faults
    return count, left_out


def _prepare(cutter: Cutter, place: Place, *, folder: RecordingFolder, out: Path) -> tuple[int, Counter[str]]:
    recording = folder.read(place)
    count, left_out = 0, Counter[str]()
    with ClipWriter(out, clips_per_shard=_CLIPS_PER_SHARD, tag=_tag(recording), replace=True) as writer:
        for clip in cutter.cut(recording, left_out):
            writer.add(clip.rgb, clip.ppg, clip.comparable, clip.meta)
            count += 1
    return count, left_out


def _tag(recording: Recording) -> str:
    """Return a file name for what may be named anything."""
    whole = f"{recording.dataset}/{recording.name}"
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', whole)}_{crc32(whole.encode()):08x}"


def _fault(recording: Recording, clip: Clip) -> str | None:
    if not recording.pulse.covers(clip):
        return NO_PULSE
    return NO_FACE if clip.comparable.mean() < _MIN_COMPARABLE else None


def _labelled(recording: Recording, clip: Clip) -> TrainingClip:
    """Return the clip with the pulse at its crops' times and the rate of that pulse."""
    meta = {
        "dataset": recording.dataset,
        "recording": recording.name,
        "person": recording.person,
        "bpm": recording.pulse.bpm(clip.start_s, clip.start_s + len(clip.rgb) / clip.fps),
        "fps": clip.fps,
        "start_s": clip.start_s,
        "groups": dict(recording.groups),
        "licence": recording.licence,
    }
    return TrainingClip(clip.rgb, recording.pulse.at(clip), clip.comparable, meta)
