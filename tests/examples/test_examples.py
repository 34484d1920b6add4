"""Every example runs as its first line says, against the service as it is, and finds the bundled clip's rate."""

import functools
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from service.wire import DEFAULT_ESTIMATOR
from tests.service.server import ROOT, Server, running_server
from tests.web.browser import PATIENCE_MS, launch_with_camera, write_film, write_video
from tests.web.browser import clip_frames as bundled_frames

EXAMPLES = ROOT / "examples"
CLIP = ROOT / "demo" / "astronaut.mp4"
RATE = r"\b7[0-4]\.\d+"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page_host() -> Iterator[str]:
    """A web server of somebody else's, with the example page on it."""
    handler = functools.partial(_Quiet, directory=str(EXAMPLES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, page_host: str) -> Iterator[Server]:
    """The service with the released models, open to the page."""
    folder, store = tmp_path_factory.mktemp("examples"), ROOT / "model_store"
    options = {"estimator": DEFAULT_ESTIMATOR, "wait_for_workers": True}
    with running_server(folder, **options, model_store=store, workers=2, cors_origins=page_host) as server:  # type: ignore[arg-type]
        yield server


def run(name: str, *arguments: str, code: int = 0) -> str:
    """Run an example and return what it printed."""
    path = EXAMPLES / name
    command = ["sh", str(path)] if path.suffix == ".sh" else [sys.executable, str(path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, cwd=ROOT, timeout=200)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_every_example_is_described() -> None:
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file()} - {"README.md"}
    assert files == set(re.findall(r"\]\(([\w.]+)\)", (EXAMPLES / "README.md").read_text()))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl(server: Server) -> None:
    said = run("curl.sh", str(CLIP), server.url)
    assert '"name":"student"' in said
    assert len(re.findall(rf'"bpm":{RATE}', said)) == 2
    assert "event: result" in said


def test_python_client(server: Server) -> None:
    said = run("python_client.py", str(CLIP), server.url)
    assert re.match(rf"{RATE} bpm, confidence 0\.\d\d, ok\n", said)
    assert re.search(rf"as a job, by POS: {RATE} bpm\n", said)


def test_python_plain(server: Server) -> None:
    assert re.fullmatch(rf"{RATE} bpm, confidence 0\.\d+, ok\n", run("python_plain.py", str(CLIP), server.url))


@pytest.mark.parametrize("name", ["python_client.py", "python_plain.py"])
def test_a_video_that_is_none(name: str, server: Server) -> None:
    assert "not_a_video" in run(name, str(ROOT / "README.md"), server.url, code=1)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert "failed: unreachable" in run("python_client.py", str(CLIP), f"http://127.0.0.1:{port}", code=2)


def test_opencv_webcam(server: Server, tmp_path: Path) -> None:
    """With a file in the camera's place; a busy machine shows it late and gets fewer updates."""
    pytest.importorskip("cv2")
    film = write_video(tmp_path / "face.mp4", bundled_frames()[:240])
    lines = run("opencv_webcam.py", str(film), server.url).splitlines()
    assert len(lines) >= 3
    assert any(re.search(r"\d+ bpm, confidence 0\.\d\d$", line) for line in lines)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera sees the bundled clip."""
    film = tmp_path_factory.mktemp("film") / "face.mjpeg"
    write_film(film, [frame.reformat(320, 240) for frame in bundled_frames()])
    with sync_playwright() as playwright:
        browser = launch_with_camera(playwright, film)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, page_host: str, server: Server) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{page_host}/browser.html?service={server.url}")
        yield page


def output(page: Page, pattern: str) -> str:
    """Wait until the page says something like it."""
    page.wait_for_function(f"/{pattern}/.test(document.getElementById('out').value)", timeout=PATIENCE_MS)
    return page.locator("#out").inner_text()


def test_browser_upload(page: Page) -> None:
    page.set_input_files("#file", CLIP)
    assert re.match(rf"{RATE} bpm, confidence", output(page, "bpm"))


def test_browser_upload_of_something_else(page: Page, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video" * 100)
    page.set_input_files("#file", tmp_path / "text.mp4")
    assert output(page, "not_a_video")


def test_browser_camera(page: Page) -> None:
    page.click("#camera")
    assert output(page, r"bpm, confidence [\d.]+, (ok|low_quality)")
