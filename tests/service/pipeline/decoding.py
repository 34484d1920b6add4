"""A video read to its end, for the tests of decoding."""

from pathlib import Path

from service.pipeline.decode import VideoReader
from service.pipeline.frame import Frame
from service.pipeline.types import Box, DecodeLimits, Floats, VideoInfo

SHORT = DecodeLimits(min_duration_s=0.1)


def read(
    path: Path, limits: DecodeLimits | None = None, *, start_s: float = 0.0, duration_s: float | None = None
) -> tuple[list[float], Frame, VideoInfo, list[str]]:
    """Read a video to its end: the frames' times, the last frame, the facts and the codes of the warnings."""
    with VideoReader(path, limits or DecodeLimits(), start_s=start_s, duration_s=duration_s) as reader:
        frames = [(frame.time_s, frame) for frame in reader.frames()][-1000:]
        return [time_s for time_s, _ in frames], frames[-1][1], reader.info, [w.code for w in reader.warnings]


def mean_rgb(frame: Frame) -> Floats:
    whole: Floats = frame.area_average(Box(0, 0, frame.width, frame.height), 1, 1)[0, 0]
    return whole


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
