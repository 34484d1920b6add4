"""What the page is before anything is measured: its looks, its keyboard, its weight."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.service.server import Server
from tests.web.browser import PATIENCE_MS, Visit, visiting

WEIGHT_BYTES = 100_000


def background(visit: Visit) -> str:
    return str(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_it_says_that_nothing_is_kept_and_what_it_is_not(visit: Visit) -> None:
    assert "Nothing is kept." in visit.text("footer")
    assert "Not a medical device." in visit.text("footer")


def test_it_weighs_little(visit: Visit) -> None:
    visit.page.wait_for_load_state("networkidle")
    weigh = "performance.getEntries().map((entry) => entry.transferSize ?? 0).reduce((sum, size) => sum + size, 0)"
    assert 20_000 < visit.page.evaluate(weigh) < WEIGHT_BYTES


def test_the_models_are_offered_with_the_default_first(visit: Visit) -> None:
    options = visit.page.locator("#model option")
    options.nth(1).wait_for(state="attached", timeout=PATIENCE_MS)
    assert options.first.inner_text() == "teacher (standard)"
    assert {"student", "temporal", "pos"} <= set(options.all_inner_texts())
    assert "ms per picture, off by" in visit.text("#model-note")


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_light_and_dark(browser: Browser, real_server: Server, scheme: str, other: str) -> None:
    with visiting(browser, real_server.url, color_scheme=scheme) as visit:
        as_the_system_has_it = background(visit)
        visit.page.click("#theme")
        assert background(visit) != as_the_system_has_it
        assert visit.page.evaluate("document.documentElement.dataset.theme") == other
        visit.page.reload()
        assert visit.page.evaluate("document.documentElement.dataset.theme") == other


@pytest.mark.parametrize("width", [320, 360, 768])
def test_it_fits_a_phone(browser: Browser, real_server: Server, width: int) -> None:
    with visiting(browser, real_server.url, viewport={"width": width, "height": 640}) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    reached: list[Any] = []
    for _ in range(9):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert [name for name in reached if name in ("theme", "tab-file", "choose", "all-faces", "model")] == [
        "theme", "tab-file", "choose", "all-faces", "model",
    ]  # fmt: skip


def test_the_focus_can_be_seen(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_file_is_chosen_by_keyboard(visit: Visit) -> None:
    visit.page.evaluate("document.getElementById('file').addEventListener('click', () => { window.asked = true; })")
    visit.page.focus("#choose")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("() => window.asked", timeout=PATIENCE_MS)


def test_arrow_keys_switch_to_the_camera(visit: Visit) -> None:
    visit.page.focus("#tab-file")
    visit.page.keyboard.press("ArrowRight")
    assert visit.is_shown("#start")
    assert visit.page.evaluate("document.activeElement.id") == "tab-camera"


def test_everything_to_press_has_a_name(visit: Visit) -> None:
    nameless = """() => [...document.querySelectorAll("button, select, input")].filter((e) =>
        !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.id)"""
    assert visit.page.evaluate(nameless) == []


@pytest.mark.parametrize(
    ("confidence", "status", "level"),
    [(0.93, "ok", "sure"), (0.6, "ok", "likely"), (0.3, "ok", "unsure"), (0.95, "low_quality", "unsure")],
)
def test_words_for_trust(visit: Visit, confidence: float, status: str, level: str) -> None:
    ask = "([confidence, status]) => import('/web/words.js').then((words) => words.trust(confidence, status).level)"
    assert visit.page.evaluate(ask, [confidence, status]) == level


def test_no_bold_number_where_none_is_to_be_used(visit: Visit) -> None:
    show = "(measured) => import('/web/result.js').then(({ showRate }) => void showRate(measured))"
    visit.page.evaluate(show, {"bpm": 81.2, "confidence": 0.2, "status": "low_quality"})
    assert visit.text("#bpm") == "–"
    assert visit.text("#word") == "Unsure: do not use"


@pytest.mark.parametrize("bpm", [48, 72, 150, 210])
def test_the_spectrum_of_a_plain_wave(visit: Visit, bpm: int) -> None:
    ask = """(bpm) => import('/web/spectrum.js').then(({ spectrumOf }) => spectrumOf({ fps: 30,
        values: Array.from({ length: 700 }, (_, i) => Math.sin(2 * Math.PI * bpm / 60 * i / 30)) }).peak)"""
    assert abs(visit.page.evaluate(ask, bpm) - bpm) <= 1


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"kind": "network", "macs_per_frame": 3_000_000}, ["fast", ""]),
        ({"kind": "classical"}, ["very fast", ""]),
        (
            {"metrics": {"cpu_ms_per_frame": 0.84, "test_ok_bpm_mae": 0.59, "test_ok_share": 0.43}},
            ["0.8 ms per picture", "off by 0.6 on average, answers 43 of 100 hard videos"],
        ),
    ],
)
def test_speed_and_accuracy_in_words(visit: Visit, model: dict[str, Any], said: list[str]) -> None:
    ask = "(model) => import('/web/models.js').then(({ speed, accuracy }) => [speed(model), accuracy(model)])"
    assert visit.page.evaluate(ask, model) == said
