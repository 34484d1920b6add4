"""The camera: a film is played to it, and the page measures as it comes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.service.server import Server, running_server
from tests.web import silent
from tests.web.browser import (
    CLIP_BPM,
    PATIENCE_MS,
    Visit,
    clip_frames,
    grey_frames,
    launch_with_camera,
    visiting,
    write_film,
)

SOON_S = 20.0
KEEPS_PACE_FPS = 27.0  # of 30: a busy machine plays the film late, and so its pulse slower
SIZE = (320, 240)
TRUSTED = "['sure', 'likely'].includes(document.getElementById('result').dataset.trust)"


@pytest.fixture(scope="module")
def face_camera(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that sees the bundled clip, forwards and backwards so that nothing jumps where it starts anew."""
    frames = [frame.reformat(*SIZE) for frame in clip_frames()]
    browser = launch_with_camera(
        playwright, write_film(tmp_path_factory.mktemp("film") / "face.mjpeg", frames + frames[::-1])
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def wall_camera(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = write_film(tmp_path_factory.mktemp("film") / "wall.mjpeg", grey_frames(60))
    browser = launch_with_camera(playwright, film)
    yield browser
    browser.close()


def start(visit: Visit) -> None:
    visit.page.click("#tab-camera")
    visit.page.click("#start")


def updates(visit: Visit) -> list[dict[str, Any]]:
    return [message for message in visit.told if message["type"] == "update"]


def is_right(update: dict[str, Any]) -> bool:
    return bool(update["status"] == "ok" and abs(update["bpm"] - CLIP_BPM) <= 3)


@pytest.fixture(scope="module")
def live(face_camera: Browser, real_server: Server) -> Iterator[Visit]:
    """The page that has shown the right rate and trusts it."""
    with visiting(face_camera, real_server.url) as visit:
        start(visit)
        right = f"Math.abs(Number(document.getElementById('bpm').textContent) - {CLIP_BPM}) <= 3"
        visit.page.wait_for_function(f"() => {TRUSTED} && {right}", timeout=PATIENCE_MS)
        yield visit


def test_the_true_rate_is_shown_soon(live: Visit) -> None:
    first = next(update for update in updates(live) if is_right(update))
    kept_pace = all(update["fps"] >= KEEPS_PACE_FPS for update in updates(live))
    assert first["time_s"] <= SOON_S or not kept_pace


def test_trust_is_told_with_it(live: Visit) -> None:
    live.page.wait_for_function(f"() => {TRUSTED}")


def test_the_wave_and_the_spectrum_come(live: Visit) -> None:
    live.wait_for("#wave canvas")
    live.wait_for("#spectrum canvas")


def test_the_face_box_lies_on_the_mirrored_face(live: Visit) -> None:
    live.page.wait_for_function("""() => {
        const canvas = document.getElementById("overlay");
        return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
    }""")
    assert live.page.locator("#video.mirrored").count() == 1


def test_nothing_but_the_service_is_asked(live: Visit) -> None:
    assert live.origins() == {live.page.url.split("/")[2]}
    assert live.complaints == []


def test_what_was_measured_can_be_saved(live: Visit) -> None:
    with live.page.expect_download() as waiting:
        live.page.click("#save-windows")
    assert waiting.value.path().read_text().startswith("start_s,end_s,bpm,snr_db,confidence")


def test_stopping_switches_the_camera_off(live: Visit) -> None:
    live.page.click("#start")
    assert live.text("#start") == "Start the camera"
    assert live.page.evaluate("document.getElementById('video').srcObject") is None
    assert live.is_shown("#camera-empty")


def test_without_a_face_it_says_so_and_shows_no_number(wall_camera: Browser, real_server: Server) -> None:
    with visiting(wall_camera, real_server.url) as visit:
        start(visit)
        visit.page.locator("#warnings").get_by_text("No face").wait_for(timeout=PATIENCE_MS)
        assert visit.text("#bpm") == "–"
        assert all(update["bpm"] is None for update in updates(visit))


def test_a_camera_that_is_not_allowed_is_said_in_words(browser: Browser, real_server: Server) -> None:
    with visiting(browser, real_server.url) as visit:
        start(visit)
        visit.wait_for("#problem")
        assert visit.text("#problem-code").startswith("camera_")
        assert visit.text("#start") == "Start the camera"


def test_it_goes_on_when_the_service_is_back(face_camera: Browser, tmp_path: Path) -> None:
    with running_server(tmp_path, estimator=silent.SPEC) as first, visiting(face_camera, first.url) as visit:
        start(visit)
        wait_for_sessions(visit, 1)
        first.process.terminate()
        visit.wait_for("#banner")
        first.process.wait(30)
        with running_server(tmp_path, estimator=silent.SPEC, port=first.port):
            wait_for_sessions(visit, 2)
            visit.wait_for("#server[data-state=ready]")
            assert not visit.is_shown("#problem")


def wait_for_sessions(visit: Visit, count: int) -> None:
    """Wait until so many have begun; the waiting is the browser's, so that its messages come in."""
    while sum(message["type"] == "started" for message in visit.told) < count:
        visit.page.wait_for_timeout(100)
