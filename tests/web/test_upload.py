import csv
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.service.server import Server
from tests.web.browser import CLIP_BPM, PATIENCE_MS, Visit, grey_frames, upload, visiting, write_video


def download(visit: Visit, button: str) -> str:
    with visit.page.expect_download() as waiting:
        visit.page.click(button)
    return Path(waiting.value.path()).read_text()


@pytest.fixture(scope="module")
def measured(browser: Browser, real_server: Server) -> Iterator[Visit]:
    """The page after the bundled clip was measured."""
    with visiting(browser, real_server.url) as visit:
        upload(visit)
        yield visit


def test_the_bundled_clip_shows_its_rate(measured: Visit) -> None:
    assert abs(float(measured.text("#bpm")) - CLIP_BPM) <= 3


def test_trust_is_a_word_and_a_colour(measured: Visit) -> None:
    assert measured.text("#word") in ("Sure", "Likely")
    assert measured.page.locator("#result").get_attribute("data-trust") in ("sure", "likely")


def test_wave_rates_and_spectrum_are_drawn(measured: Visit) -> None:
    for plot in ("wave", "windows", "spectrum"):
        assert measured.is_shown(f"#{plot} canvas")


def test_the_spectrum_peaks_at_the_rate(measured: Visit) -> None:
    label = measured.page.locator("#spectrum").get_attribute("aria-label") or ""
    assert abs(float(label.split()[-3]) - CLIP_BPM) <= 3


def test_the_face_box_is_drawn_over_the_video(measured: Visit) -> None:
    drawn = """() => { const c = document.getElementById("overlay");
                       return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v > 0); }"""
    measured.page.wait_for_function(drawn, timeout=PATIENCE_MS)


def test_a_screen_reader_is_told(measured: Visit) -> None:
    assert "beats per minute" in measured.page.locator("#spoken").inner_text()


def test_json_is_the_services_answer(measured: Visit) -> None:
    result = json.loads(download(measured, "#save-json"))
    assert abs(result["bpm"] - CLIP_BPM) <= 3
    assert len(result["bvp"]["values"]) > 400


def test_the_wave_as_a_table(measured: Visit) -> None:
    rows = list(csv.DictReader(download(measured, "#save-wave").splitlines()))
    assert list(rows[0]) == ["time_s", "bvp"]
    assert 14 < float(rows[-1]["time_s"]) - float(rows[0]["time_s"]) < 15


def test_the_rates_as_a_table(measured: Visit) -> None:
    rows = list(csv.DictReader(download(measured, "#save-windows").splitlines()))
    assert all(abs(float(row["bpm"]) - CLIP_BPM) <= 3 for row in rows)


def test_nothing_is_asked_of_another_origin(measured: Visit) -> None:
    assert measured.origins() == {urlsplit(measured.page.url).netloc}


def test_nothing_breaks_the_pages_own_policy(measured: Visit) -> None:
    assert measured.complaints == []


def test_a_pressed_wave_moves_the_video(measured: Visit) -> None:
    measured.page.evaluate("document.getElementById('video').pause()")
    box = measured.page.locator("#wave .u-over").bounding_box()
    assert box is not None
    measured.page.click("#wave .u-over", position={"x": box["width"] / 2, "y": 20})
    assert abs(measured.page.evaluate("document.getElementById('video').currentTime") - 7.5) < 1


def test_no_face_is_said_in_words(visit: Visit, tmp_path: Path) -> None:
    upload(visit, content=write_video(tmp_path / "wall.mp4", grey_frames(180)).read_bytes())
    assert visit.text("#problem-title") == "No face was found"
    assert visit.text("#problem-code") == "no_face"
    assert not visit.is_shown("#answer")


def test_what_is_no_video_is_said_in_words(visit: Visit) -> None:
    upload(visit, content=b"these are words")
    assert visit.text("#problem-title") == "This is not a video"
    assert len(visit.text("#problem-id")) > 10


def test_a_dropped_file_is_measured(visit: Visit) -> None:
    visit.page.evaluate("""() => {
        const dropped = new DataTransfer();
        dropped.items.add(new File(["words"], "me.mp4", {type: "video/mp4"}));
        document.getElementById("screen").dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true}));
    }""")
    visit.wait_for("#problem")
    assert visit.text("#problem-code") == "not_a_video"


def test_after_an_error_another_video_works(visit: Visit) -> None:
    upload(visit, content=b"these are words")
    upload(visit)
    assert abs(float(visit.text("#bpm")) - CLIP_BPM) <= 3
    assert not visit.is_shown("#problem")
