"""A batch of frames -> frames with times: raw RGB24 in one file, or JPEG and PNG pictures, in one file or in many.

To the stages after it a batch is what a video is. Times, length and frame rate are checked before the first picture
is decoded, each picture's size before that picture is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Protocol, Self

import numpy as np

from service.pipeline.clock import FrameClock
from service.pipeline.container import bad_size, fits
from service.pipeline.errors import FramesMismatch, ImageMalformed
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.pixels import GreyWatch
from service.pipeline.stills import StillDecoder
from service.pipeline.types import DecodeLimits, VideoInfo, Warned

DEFAULT_LIMITS = DecodeLimits()
RGB_BYTES = 3

BatchForm = Literal["rgb24", "images"]


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Frames in one file, one after the other.

    timestamps_s: one per frame, seconds on any clock; the first is taken for 0.
    form `rgb24`: uint8 (n, height, width, 3), rows from the top. form `images`: frame i lies in the bytes
    offsets[i] to offsets[i + 1] as a JPEG or PNG file; all of one kind and size.
    """

    path: Path
    timestamps_s: tuple[float, ...]
    form: BatchForm
    width: int | None = None
    height: int | None = None
    offsets: tuple[int, ...] = ()

    def open(self, limits: DecodeLimits) -> "_Pieces":
        """Open the file. Raises FramesMismatch or ResolutionOutOfRange."""
        return _OneFile(self.path, self._checked_offsets(limits))

    def _checked_offsets(self, limits: DecodeLimits) -> tuple[int, ...]:
        """Return where each frame begins, and where the last one ends, which must be the end of the file."""
        offsets, count = self.offsets, len(self.timestamps_s)
        if self.form == "rgb24":
            width, height = self.width or 0, self.height or 0
            if not fits(width, height, limits):
                raise bad_size(limits)
            offsets = tuple(index * width * height * RGB_BYTES for index in range(count + 1))
        if len(offsets) != count + 1:
            raise FramesMismatch("there must be one time for each frame")
        if offsets[-1] != self.path.stat().st_size:
            raise FramesMismatch("the number of bytes is not that of the frames")
        return offsets


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Frames that are a JPEG or PNG file each, all of one kind and size; read one at a time.

    timestamps_s: one per file, seconds on any clock; the first is taken for 0.
    """

    paths: tuple[Path, ...]
    timestamps_s: tuple[float, ...]
    form: ClassVar[BatchForm] = "images"
    width: ClassVar[int | None] = None
    height: ClassVar[int | None] = None

    def open(self, _limits: DecodeLimits) -> "_Pieces":
        """Check that there is one time per file; the files are opened as they are read. Raises FramesMismatch."""
        if len(self.paths) != len(self.timestamps_s):
            raise FramesMismatch("there must be one time for each frame")
        return _ManyFiles(self.paths)


class _Pieces(Protocol):
    """The bytes of each frame."""

    def read(self, index: int) -> bytes: ...

    def close(self) -> None: ...


class _OneFile:
    """Frames in one file, frame i in the bytes offsets[i] to offsets[i + 1]."""

    def __init__(self, path: Path, offsets: tuple[int, ...]) -> None:
        self._offsets = offsets
        self._file = path.open("rb")

    def read(self, index: int) -> bytes:
        begin, end = self._offsets[index : index + 2]
        self._file.seek(begin)
        return self._file.read(end - begin)

    def close(self) -> None:
        self._file.close()


class _ManyFiles:
    """Frames in a file each."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths

    def read(self, index: int) -> bytes:
        try:
            return self._paths[index].read_bytes()
        except OSError as error:
            raise ImageMalformed("an image cannot be read") from error

    def close(self) -> None:
        """Nothing stays open."""


class BatchReader:
    """One batch, read once from front to back; a context manager.

    Opening raises FramesMismatch, TimestampsInvalid, FrameRateOutOfRange, VideoTooShort, VideoTooLong or
    ResolutionOutOfRange.
    """

    start_s = 0.0

    def __init__(self, batch: FrameBatch | ImageFiles, limits: DecodeLimits = DEFAULT_LIMITS) -> None:
        self._batch = batch
        self._limits = limits
        self._clock = FrameClock(limits, 0.0, None)
        self._size = batch.width or 0, batch.height or 0
        self._info: VideoInfo | None = None

    def __enter__(self) -> Self:
        self._pieces = self._batch.open(self._limits)
        try:
            self._times_s = [self._clock.place(stamp_s) for stamp_s in self._batch.timestamps_s]
            self._clock.check()
        except BaseException:
            self._pieces.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pieces.close()

    @property
    def info(self) -> VideoInfo:
        """Facts about what was decoded; there once `frames` is exhausted."""
        assert self._info is not None, "info is known once frames() is exhausted"
        return self._info

    @property
    def expected_duration_s(self) -> float:
        """Seconds that the batch lasts."""
        return self._clock.duration_s

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What the caller should know."""
        detail = "some frames have the time of the one before and were left out"
        return (Warned("frames_unplaced", detail),) if self._clock.unplaced else ()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order of their times; can be called once.

        Raises NotAnImage, ImageMalformed, ResolutionOutOfRange, ResolutionChanged or NoColour.
        """
        grey = GreyWatch()
        stills = StillDecoder(self._limits)
        for index, time_s in enumerate(self._times_s):
            if time_s is None:
                continue
            data = self._pieces.read(index)
            frame = self._raw_frame(data, time_s) if self._batch.form == "rgb24" else stills.decode(data, time_s)
            grey.look(frame)
            self._size = frame.width, frame.height
            yield frame
        grey.check()
        self._note(stills)

    def _raw_frame(self, data: bytes, time_s: float) -> Frame:
        width, height = self._size
        return frame_from_rgb(np.frombuffer(data, np.uint8).reshape(height, width, RGB_BYTES), time_s)

    def _note(self, stills: StillDecoder) -> None:
        header, (width, height) = stills.header, self._size
        self._info = VideoInfo(
            width=width,
            height=height,
            fps=self._clock.fps,
            duration_s=self._clock.duration_s,
            frames=self._clock.frames,
            codec=header.kind if header else "rgb24",
            container="frames",
            rotation_deg=header.turn_deg if header else 0,
        )
