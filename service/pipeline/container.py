"""Opens a foreign container with all that FFmpeg may do switched off, and picks the video stream in it.

FFmpeg may open no other file, no network and no codec off the list, and decodes no picture above the limit.
"""

from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from service.pipeline.boxes import Container
from service.pipeline.errors import CodecNotAllowed, InputError, NoVideoStream, ResolutionOutOfRange, VideoMalformed
from service.pipeline.types import DecodeLimits

ALLOWED_CODECS = (
    "h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "msmpeg4v3", "h263", "mpeg1video", "mpeg2video",
    "mjpeg", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "png",
)  # fmt: skip
_DEMUXERS: dict[Container, str] = {"mp4": "mov", "matroska": "matroska", "avi": "avi"}
_MAX_STREAMS = 32
_CODING_MARGIN_PX = 64  # codecs store whole blocks: 1080 lines are coded as 1088


def open_container(path: Path, kind: Container, limits: DecodeLimits) -> InputContainer:
    """Open a file as the container that its first bytes say it is. Raises VideoMalformed."""
    options = {
        "format_whitelist": ",".join(_DEMUXERS.values()),
        "protocol_whitelist": "file",
        "max_streams": str(_MAX_STREAMS),
    } | codec_options(limits)
    try:
        return av.open(str(path), format=_DEMUXERS[kind], options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise VideoMalformed("the container cannot be read") from error


def choose_stream(container: InputContainer) -> tuple[VideoStream, bool]:
    """Return the largest video stream, and whether it is the only one. Raises NoVideoStream or CodecNotAllowed."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoVideoStream("the file holds no video stream")
    if any(s.codec_context is None for s in streams):
        raise _bad_codec()
    largest = max(streams, key=lambda s: s.codec_context.width * s.codec_context.height)
    if largest.codec_context.codec.name not in ALLOWED_CODECS:
        raise _bad_codec()
    return largest, len(streams) == 1


def prepare_decoder(container: InputContainer, stream: VideoStream, limits: DecodeLimits) -> None:
    """Set the decoder's limits and threads; drop the packets of the other streams."""
    decoder = stream.codec_context
    decoder.options = codec_options(limits)
    decoder.thread_type = "SLICE"  # frame threading costs more CPU and hides that a file is cut off
    decoder.thread_count = 1
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def codec_options(limits: DecodeLimits) -> dict[str, str]:
    """Return what FFmpeg's decoders are told: the codecs that may be opened, the largest picture."""
    width, height = limits.max_width + _CODING_MARGIN_PX, limits.max_height + _CODING_MARGIN_PX
    return {"max_pixels": str(width * height), "codec_whitelist": ",".join(ALLOWED_CODECS)}


def fits(width: int, height: int, limits: DecodeLimits) -> bool:
    """Say whether a picture, upright or on its side, is neither too large nor too small."""
    long, short = max(width, height), min(width, height)
    return long <= limits.max_width and limits.min_side <= short <= limits.max_height


def _bad_codec() -> InputError:
    return CodecNotAllowed("the video's codec is not one of those that are taken")


def bad_size(limits: DecodeLimits) -> InputError:
    """Return the error for a picture that does not fit."""
    return ResolutionOutOfRange(
        f"the picture must be at most {limits.max_width}x{limits.max_height} and at least {limits.min_side} pixels"
    )
