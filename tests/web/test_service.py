"""The page when the service waits, refuses, asks for a key, goes away and comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from service.keys import hash_key
from tests.service.server import VIDEO, Server, running_server, wait_until
from tests.web.browser import Visit, upload, visiting

KEY = "fp_a-key-of-the-tests"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("standin"), max_upload_mb=1) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "keys").write_text(f"tests:{hash_key(KEY).hex()}\n")
    (folder / "keys").chmod(0o600)
    with running_server(folder, keys_file=folder / "keys") as server:
        yield server


def test_cancelling_ends_the_work(browser: Browser, standin: Server) -> None:
    with visiting(browser, standin.url) as visit:
        visit.page.select_option("#model", "sleep_long")
        visit.page.set_input_files("#file", {"name": "me.mp4", "mimeType": "video/mp4", "buffer": VIDEO})
        wait_until(standin.uploads, 60)
        visit.page.click("#cancel")
        visit.wait_for("#empty")
        assert visit.is_shown("#again")
        wait_until(lambda: not standin.uploads(), 60)


def test_what_is_too_large_is_said_in_words(browser: Browser, standin: Server) -> None:
    with visiting(browser, standin.url) as visit:
        upload(visit, content=bytes(2_000_000))
        assert visit.text("#problem-title") == "The file is too large"


def test_each_of_several_people_has_a_rate(browser: Browser, standin: Server) -> None:
    with visiting(browser, standin.url) as visit:
        visit.page.check("#all-faces")
        upload(visit, content=VIDEO)
        first = visit.text("#bpm")
        visit.page.select_option("#person", "1")
        assert (first, visit.text("#bpm")) == ("72", "80")


def test_a_key_is_asked_for_and_used(browser: Browser, guarded: Server) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.wait_for("#key-dialog")
        visit.page.fill("#key", KEY)
        visit.page.press("#key", "Enter")
        visit.page.locator("#model option").nth(1).wait_for(state="attached")
        upload(visit, content=VIDEO)
        assert visit.text("#bpm") == "72"


def test_a_wrong_key_is_said_to_be_wrong(browser: Browser, guarded: Server) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.wait_for("#key-dialog")
        visit.page.fill("#key", "nonsense")
        visit.page.press("#key", "Enter")
        visit.page.get_by_text("That key does not fit.").wait_for()


def test_the_key_stays_in_this_tab(browser: Browser, guarded: Server) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.wait_for("#key-dialog")
        visit.page.fill("#key", KEY)
        visit.page.press("#key", "Enter")
        visit.page.locator("#model option").nth(1).wait_for(state="attached")
        stored = visit.page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
        assert stored == [[KEY], [], ""]


def test_the_service_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    with running_server(tmp_path) as first, visiting(browser, first.url) as visit:
        stop(first)
        upload(visit, content=VIDEO)
        assert visit.text("#problem-title") == "The server does not answer"
        visit.wait_for("#banner")
        assert visit.page.locator("#server").get_attribute("data-state") == "gone"
        come_back(visit, first, tmp_path)


def stop(server: Server) -> None:
    server.process.terminate()
    server.process.wait(30)


def come_back(visit: Visit, first: Server, folder: Path) -> None:
    with running_server(folder, port=first.port):
        visit.wait_for("#server[data-state=ready]")
        assert not visit.is_shown("#banner")
        visit.page.click("#again")
        visit.page.locator("#bpm").get_by_text("72").wait_for(timeout=60_000)
