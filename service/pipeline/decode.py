"""Path -> frames with times. The only place that opens foreign video, through PyAV, from a path and nothing else.

The demuxer is chosen by the file's first bytes, never by its name, and FFmpeg may open no other file, no network and
no codec off the list. What the container promises is compared with what decodes, because decoders stay silent.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.stream import VideoStream

from service.pipeline.boxes import check_boxes, identify
from service.pipeline.clock import FrameClock
from service.pipeline.container import bad_size, choose_stream, fits, open_container, prepare_decoder
from service.pipeline.errors import (
    ResolutionChanged,
    VideoMalformed,
    VideoTooLong,
    VideoTruncated,
)
from service.pipeline.frame import Frame
from service.pipeline.pixels import GreyWatch, is_hdr, rotation_of, to_frame
from service.pipeline.types import DecodeLimits, VideoInfo, Warned

DEFAULT_LIMITS = DecodeLimits()
_SEEK_FROM_S = 4.0  # nearer than that, decoding from the start costs about as much as a seek
_MAX_LOST = 300
_TOLERATED_LOSS = 0.1
_WHOLE = 0.97
_HALF = 0.5

WARNINGS = {
    "several_video_streams": "the file holds several video streams; the largest was used",
    "interlaced": "the video is interlaced; both fields were used as one picture",
    "hdr": "the video is HDR and was not tone-mapped",
    "frames_corrupt": "some frames did not decode and were left out",
    "frames_unplaced": "some frames have no time of their own and were left out",
    "frames_trimmed": "the container's edit list leaves out frames that it holds",
    "video_truncated": "fewer frames decode than the container promises",
}


class VideoReader:
    """One video file, read once from front to back; a context manager.

    start_s and duration_s select a part; times of the frames stay those of the whole file, whose first frame is at 0.
    Opening raises NotAVideo, VideoMalformed, VideoTruncated, NoVideoStream, CodecNotAllowed or VideoTooLong.
    """

    def __init__(
        self,
        path: Path,
        limits: DecodeLimits = DEFAULT_LIMITS,
        *,
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> None:
        self._path = path
        self._limits = limits
        self.start_s = start_s
        self._duration_s = duration_s
        self._clock = FrameClock(limits, start_s, duration_s)
        self._counts: Counter[str] = Counter()
        self._codes: set[str] = set()
        self._grey = GreyWatch()
        self._info: VideoInfo | None = None

    def __enter__(self) -> Self:
        self._kind = identify(self._path)
        if self._kind == "mp4":
            check_boxes(self._path, max_duration_s=self._limits.max_duration_s)
        self._container = open_container(self._path, self._kind, self._limits)
        try:
            self._stream, alone = choose_stream(self._container)
            prepare_decoder(self._container, self._stream, self._limits)
            self._codes.update(() if alone else ("several_video_streams",))
            self._time_base_s = float(self._stream.time_base or 0)
            self._check_promised_length()
        except BaseException:
            self._container.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def info(self) -> VideoInfo:
        """Facts about what was decoded; there once `frames` is exhausted."""
        assert self._info is not None, "info is known once frames() is exhausted"
        return self._info

    @property
    def expected_duration_s(self) -> float | None:
        """Seconds that the wanted part should last by what the container says, or None where it says nothing."""
        if self._promised_s is None:
            return self._duration_s
        left_s = max(self._promised_s - self.start_s, 0.0)
        return left_s if self._duration_s is None else min(left_s, self._duration_s)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What the caller should know, complete once `frames` is exhausted."""
        return tuple(Warned(code, detail) for code, detail in WARNINGS.items() if code in self._codes)

    def frames(self) -> Iterator[Frame]:
        """Yield the upright-able frames in the order of their times; can be called once.

        Each frame is a view on the decoder's picture: cheap to hold a few of, and valid as long as it is held.
        Raises the InputErrors of the tree, the last of them after the last frame (too short, too slow, truncated).
        """
        size: tuple[int, int] | None = None
        rotation_deg = 0
        for picture in self._pictures_from_start_s():
            if size is None:
                size, rotation_deg = self._check_size(picture), rotation_of(picture)
            elif (picture.width, picture.height) != size:
                raise ResolutionChanged("the picture's size changes within the video")
            time_s = self._clock.place(None if picture.pts is None else picture.pts * self._time_base_s)
            if self._clock.stopped:
                break
            if time_s is not None:
                frame = to_frame(picture, time_s, rotation_deg)
                self._note(picture, frame)
                yield frame
        self._finish(size, rotation_deg)

    @property
    def _promised_s(self) -> float | None:
        if self._stream.duration is not None:
            return self._stream.duration * self._time_base_s
        return None if self._container.duration is None else self._container.duration / av.time_base

    def _check_promised_length(self) -> None:
        if self._promised_s is not None and (self.expected_duration_s or 0.0) > self._limits.max_duration_s * 1.01:
            raise VideoTooLong(f"the video is longer than {self._limits.max_duration_s:g} s")

    def _pictures_from_start_s(self) -> Iterator[av.VideoFrame]:
        """Yield the first picture, which sets the clock, then those from the key frame before start_s on."""
        pictures = self._pictures()
        yield from islice(pictures, 1)
        if self.start_s >= _SEEK_FROM_S and self._time_base_s:
            target = int(self._clock.stamp_at(self.start_s) / self._time_base_s)
            with suppress(av.FFmpegError):  # a file without an index is read from where it stands
                self._container.seek(target, stream=self._stream)
                self._clock.rewind()
                self._counts.clear()
            pictures = self._pictures()
        yield from pictures

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """Yield what decodes; count what does not."""
        most = self._limits.max_fps * self._limits.max_duration_s
        for packet in self._packets():
            try:
                pictures = self._stream.codec_context.decode(packet)
            except MemoryError as error:
                raise VideoMalformed("decoding needs more memory than a video of this size may take") from error
            except av.FFmpegError:
                self._lose()
                continue
            for picture in pictures:
                if picture.is_corrupt:
                    self._lose()
                    continue
                self._counts["decoded"] += 1
                if self._counts["decoded"] > most:
                    raise VideoTooLong(f"the video has more than {most:g} frames")
                yield picture

    def _packets(self) -> Iterator["av.Packet[VideoStream] | None"]:
        """Yield the stream's packets and None at the end, also where the container breaks off."""
        most = 4 * self._limits.max_fps * self._limits.max_duration_s
        packets = self._container.demux(self._stream)
        for _ in count():
            self._counts["packets"] += 1
            if self._counts["packets"] > most:
                raise VideoMalformed("the video has too many packets for its frames")
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None
            if packet is None or (packet.size == 0 and packet.dts is None):
                yield None
                return
            yield packet

    def _lose(self) -> None:
        self._counts["corrupt"] += 1
        if self._counts["corrupt"] > max(_MAX_LOST, self._counts["decoded"]):
            raise VideoMalformed("most of the video does not decode")

    def _check_size(self, picture: av.VideoFrame) -> tuple[int, int]:
        size = picture.width, picture.height
        if not fits(*size, self._limits):
            raise bad_size(self._limits)
        return size

    def _note(self, picture: av.VideoFrame, frame: Frame) -> None:
        self._grey.look(frame)
        if picture.interlaced_frame:
            self._codes.add("interlaced")
        if is_hdr(picture):
            self._codes.add("hdr")

    def _finish(self, size: tuple[int, int] | None, rotation_deg: int) -> None:
        if size is None:
            self._raise_for_nothing()
            return
        clock, counts = self._clock, self._counts
        if counts["corrupt"] > _TOLERATED_LOSS * (counts["corrupt"] + counts["decoded"]):
            raise VideoMalformed("too much of the video does not decode")
        share = 1.0 if clock.stopped else self._share_of_promise()
        if share < _HALF or (share < _WHOLE and clock.duration_s < self._limits.min_duration_s):
            raise VideoTruncated("too little decodes of what the container promises")
        clock.check()
        self._grey.check()
        found = {
            "frames_corrupt": counts["corrupt"] > 0,
            "frames_unplaced": clock.unplaced > 0,
            "frames_trimmed": self._promised_frames < _WHOLE * self._stream.frames,
            "video_truncated": share < _WHOLE,
        }
        self._codes.update(code for code, is_so in found.items() if is_so)
        width, height = size[::-1] if rotation_deg in (90, 270) else size
        self._info = VideoInfo(
            width=width,
            height=height,
            fps=clock.fps,
            duration_s=clock.duration_s,
            frames=clock.frames,
            codec=self._stream.codec_context.codec.canonical_name,
            container=self._kind,
            rotation_deg=rotation_deg,
        )

    @property
    def _promised_frames(self) -> float:
        """Frames that the container promises to show, 0 where it does not say.

        An MP4's edit list may show less than is held: the stream's duration heeds it, the number of frames does not.
        """
        if self._kind != "mp4":
            return self._stream.frames
        shown = (self._promised_s or float("inf")) * float(self._stream.average_rate or 0)
        return min(self._stream.frames, shown) if shown else self._stream.frames

    def _share_of_promise(self) -> float:
        """Return what came of the wanted part over what the container promises, by frames or else by time."""
        clock, rate = self._clock, float(self._stream.average_rate or 0)
        if self._promised_frames:
            expected = self._promised_frames - self.start_s * rate
            came = clock.frames + clock.unplaced + self._counts["corrupt"]
            return came / expected if expected > 0 else 1.0
        expected_s = (self._promised_s or 0.0) - self.start_s
        return (clock.end_s - self.start_s) / expected_s if expected_s > 0 else 1.0

    def _raise_for_nothing(self) -> None:
        decoder = self._stream.codec_context
        if decoder.width and not fits(decoder.width, decoder.height, self._limits):
            raise bad_size(self._limits)
        raise VideoMalformed("nothing decodes")
