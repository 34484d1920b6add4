"""A real browser on the real service: how it is started, what it was seen to do, pictures for its camera."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, Playwright, WebSocket

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "demo" / "astronaut.mp4"
CLIP_BPM = 72.0
FILM_FPS = 30
PATIENCE_MS = 120_000  # the machine may be busy; nothing here is about speed
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Visit:
    """One page and what it asked for and complained of."""

    page: Page
    requested: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)  # over the WebSocket
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> "Visit":
        """Note every request and every complaint from here on."""
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("websocket", self._watch_socket)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note_console)
        return self

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _watch_socket(self, socket: WebSocket) -> None:
        self.requested.append(socket.url)
        socket.on("framereceived", lambda message: self.told.append(json.loads(message)))

    def origins(self) -> set[str]:
        """Return host and port of all that was asked for; blob: and data: ask nobody."""
        return {urlsplit(url).netloc for url in self.requested if not url.startswith(("blob:", "data:"))}

    def is_shown(self, selector: str) -> bool:
        return self.page.locator(selector).is_visible()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def wait_for(self, selector: str) -> None:
        self.page.locator(selector).wait_for(state="visible", timeout=PATIENCE_MS)


def launch(playwright: Playwright, *more_flags: str) -> Browser:
    """Start a browser, or skip the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, *more_flags], chromium_sandbox=False)


def launch_with_camera(playwright: Playwright, film: Path) -> Browser:
    """Start a browser whose camera plays a Motion JPEG file, over and over, and is allowed without asking."""
    return launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@contextmanager
def visiting(browser: Browser, url: str, **context: object) -> Iterator[Visit]:
    """Open the page in a fresh profile and wait until it knows the service."""
    with browser.new_context(**context) as opened:  # type: ignore[arg-type]
        visit = Visit(opened.new_page()).watch()
        visit.page.goto(url)
        visit.wait_for("#server[data-state=ready]")
        yield visit


def upload(visit: Visit, *, content: bytes | None = None) -> None:
    """Choose a file, the bundled clip without `content`, and wait until the page is done with it."""
    content = CLIP.read_bytes() if content is None else content
    visit.page.set_input_files("#file", FilePayload(name="me.mp4", mimeType="video/mp4", buffer=content))
    visit.page.locator("#work").wait_for(state="hidden", timeout=PATIENCE_MS)


def clip_frames() -> list[av.VideoFrame]:
    """Return the frames of the bundled clip."""
    with av.open(str(CLIP)) as container:
        return list(container.decode(video=0))


def grey_frames(count: int) -> list[av.VideoFrame]:
    """Return a plain wall with a little noise, coloured so that only the face is missing."""
    noise = np.random.default_rng(0)
    pictures = (np.array([150, 140, 120]) + noise.integers(-4, 5, (240, 320, 3)) for _ in range(count))
    return [av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24") for picture in pictures]


def write_video(path: Path, frames: list[av.VideoFrame]) -> Path:
    """Write frames as MPEG-4 of 30 a second."""
    return _write(path, frames, "mpeg4", None)


def write_film(path: Path, frames: list[av.VideoFrame]) -> Path:
    """Write frames as Motion JPEG of 30 a second, finely quantised, for the camera of `launch_with_camera`."""
    return _write(path, frames, "mjpeg", "mjpeg")


def _write(path: Path, frames: list[av.VideoFrame], codec: Literal["mpeg4", "mjpeg"], container: str | None) -> Path:
    with av.open(str(path), "w", format=container) as film:
        stream = film.add_stream(codec, rate=FILM_FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        stream.codec_context.qmin, stream.codec_context.qmax = 1, 2
        if codec == "mjpeg":
            stream.codec_context.color_range = ColorRange.JPEG  # it knows no other
        for index, frame in enumerate(frames):
            picture = frame.reformat(format="yuv420p", dst_color_range=stream.codec_context.color_range)
            picture.pts, picture.time_base = index, Fraction(1, FILM_FPS)
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    return path
