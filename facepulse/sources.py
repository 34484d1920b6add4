"""Frames for live measurement from a camera (OpenCV, extra `camera`) or a file (PyAV): (time_s, JPEG bytes)."""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import av

TimedJpeg: TypeAlias = tuple[float, bytes]
_JPEG_QUALITY = 90  # below that the blocks of the JPEG drown the pulse
_MJPEG_SCALE = "3"  # FFmpeg's scale of the same: 2 is best, 31 worst
_CLOCK = Fraction(1, 90_000)
CSI = "csi"
# What a Jetson's image processor makes of the sensor's raw pixels; the latest picture, should the reader be late.
_ARGUS = (
    "nvarguscamerasrc ! video/x-raw(memory:NVMM),width={width},height={height},framerate={rate}/1"
    " ! nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1"
)
_CSI_FPS = 30


class SourceUnavailable(RuntimeError):
    """The camera or the file cannot be used, or the package that reads it is not installed."""


def camera_frames(camera: int | str = 0, *, width: int = 640, height: int = 480) -> Iterator[TimedJpeg]:
    """Yield what a camera sees, with the time since the first frame in seconds, until the consumer stops.

    camera: its number, `csi` for a Jetson's ribbon camera, or whatever else OpenCV opens: a device's path, a network
    camera's address, a GStreamer pipeline. width and height: what it is asked for, in pixels. Raises SourceUnavailable
    without OpenCV, without such a camera, or when it stops delivering.
    """
    with closing(camera_pictures(camera, width=width, height=height)) as pictures:
        for time_s, bgr in pictures:
            jpeg = _jpeg(bgr)
            if jpeg:
                yield time_s, jpeg


def camera_pictures(
    camera: int | str = 0, *, width: int = 640, height: int = 480
) -> Generator[tuple[float, Any], None, None]:
    """Yield what camera_frames does as pictures, uint8 (height, width, 3) in BGR, for who measures on this machine."""
    with open_camera(camera, width=width, height=height) as capture:
        began_s: float | None = None
        for now_s, bgr in captured(capture):
            began_s = now_s if began_s is None else began_s
            yield now_s - began_s, bgr


@contextmanager
def open_camera(camera: int | str, *, width: int, height: int, fps: float | None = None) -> Generator[Any]:
    """Open a camera as camera_frames does: cv2.VideoCapture, released at the end. Raises SourceUnavailable."""
    try:
        import cv2  # noqa: PLC0415
    except ImportError as error:
        raise SourceUnavailable("a camera needs OpenCV: pip install 'facepulse[camera]'") from error
    capture = _opened(cv2, camera, csi_pipeline(width, height, fps or _CSI_FPS))
    try:
        if not capture.isOpened():
            raise SourceUnavailable("there is no such camera, or another program has it")
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
        yield capture
    finally:
        capture.release()


def camera_name(text: str) -> int | str:
    """Return what a user calls a camera as camera_frames takes it: digits are a number."""
    return int(text) if text.isdecimal() else text


def csi_pipeline(width: int, height: int, fps: float) -> str:
    """Return the GStreamer pipeline of a Jetson's ribbon camera."""
    return _ARGUS.format(width=width, height=height, rate=round(fps))


def _opened(cv2: Any, camera: int | str, pipeline: str) -> Any:
    """Return the capture; for `csi` the Jetson's own pipeline where this OpenCV has GStreamer, V4L2's first else."""
    if camera != CSI:
        return cv2.VideoCapture(camera)
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        return cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    return cv2.VideoCapture(0)


def captured(capture: Any) -> Iterator[tuple[float, Any]]:
    """Yield (time.monotonic() when it came, picture in BGR). Raises SourceUnavailable when the camera stops."""
    while True:
        came, bgr = capture.read()
        now_s = time.monotonic()
        if not came:
            raise SourceUnavailable("the camera delivers no frames")
        yield now_s, bgr


def _jpeg(bgr: Any) -> bytes:
    """Return a picture as JPEG, empty where that cannot be."""
    import cv2  # noqa: PLC0415

    encoded, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(jpeg.tobytes()) if encoded else b""


def file_frames(path: str | os.PathLike[str], *, realtime: bool = True) -> Iterator[TimedJpeg]:
    """Yield the frames of a video file of your own, as fast as they were recorded or, without `realtime`, at once.

    Not for files of strangers: nothing limits what decoding costs. Raises SourceUnavailable.
    """
    try:
        import av  # noqa: PLC0415
    except ImportError as error:
        raise SourceUnavailable("reading a file needs PyAV: pip install av") from error
    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.video:
                raise SourceUnavailable("the file holds no video stream")
            timed = _with_time(container.decode(container.streams.video[0]))
            with closing(timed):
                yield from _at_pace(timed) if realtime else timed
    except (OSError, av.FFmpegError) as error:
        raise SourceUnavailable("the file cannot be read as a video") from error


def _with_time(frames: "Iterator[av.VideoFrame]") -> Generator[TimedJpeg]:
    first_s: float | None = None
    encoder = None
    for frame in frames:
        if frame.time is None:
            continue
        first_s = frame.time if first_s is None else first_s
        encoder = encoder or _jpeg_encoder(frame)
        picture = frame.reformat(format="yuvj420p")
        picture.pts, picture.time_base = round((frame.time - first_s) / _CLOCK), _CLOCK
        yield from ((frame.time - first_s, bytes(packet)) for packet in encoder.encode(picture))


def _jpeg_encoder(frame: "av.VideoFrame") -> "av.VideoCodecContext":
    import av  # noqa: PLC0415

    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext), "mjpeg is a video codec"
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = frame.width, frame.height, "yuvj420p", _CLOCK
    encoder.options = {"qmin": _MJPEG_SCALE, "qmax": _MJPEG_SCALE}
    return encoder


def _at_pace(frames: Iterator[TimedJpeg]) -> Iterator[TimedJpeg]:
    began_s = time.monotonic()
    for time_s, jpeg in frames:
        time.sleep(max(0.0, began_s + time_s - time.monotonic()))
        yield time_s, jpeg
