from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from service.wire import DEFAULT_ESTIMATOR
from tests.service.server import Server, running_server
from tests.web.browser import ROOT, Visit, launch, visiting


@pytest.fixture(scope="package")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with the released models, for what is to be measured."""
    folder = tmp_path_factory.mktemp("real")
    with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=ROOT / "model_store") as server:
        yield server


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def visit(browser: Browser, real_server: Server) -> Iterator[Visit]:
    """The page, freshly opened on the real service."""
    with visiting(browser, real_server.url) as visit:
        yield visit
