"""Long videos go as jobs: the page follows them, and takes away what they leave."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.service.server import VIDEO, Server, running_server, wait_until
from tests.web.browser import Visit, visiting

MEASURE = """async ([content, model, patience_ms]) => {
    const { measure } = await import("/web/upload.js");
    const stages = [];
    const file = new File([new Uint8Array(content)], "me.mp4");
    try {
        const result = await measure(file, {
            options: { model, face: "largest" },
            durationS: 3600,
            onProgress: ({ stage, share, bpm }) => stages.push([stage, share, bpm]),
            signal: AbortSignal.timeout(patience_ms),
        });
        return { stages, result };
    } catch (error) {
        return { stages, code: error.code };
    }
}"""
LONG_MS = 100_000


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("jobs")) as server:
        yield server


@pytest.fixture
def at_standin(browser: Browser, standin: Server) -> Iterator[Visit]:
    with visiting(browser, standin.url) as visit:
        yield visit


def measure(visit: Visit, model: str, patience_ms: int = LONG_MS) -> Any:
    """Let the page measure an hour's video; return its stages, and its result or the code of the problem."""
    return visit.page.evaluate(MEASURE, [list(VIDEO), model, patience_ms])


def test_a_long_video_goes_as_a_job(at_standin: Visit) -> None:
    measured = measure(at_standin, "auto")
    assert measured["result"]["bpm"] == 72.0
    assert any(url.endswith("/v1/jobs") for url in at_standin.requested)


def test_it_tells_how_far_it_is_with_the_rate_so_far(at_standin: Visit) -> None:
    stages = measure(at_standin, "sleep_short")["stages"]
    assert ["measuring", 0.5, 72.0] in stages


def test_nothing_of_it_stays(at_standin: Visit, standin: Server) -> None:
    measure(at_standin, "auto")
    address = next(url for url in at_standin.requested if url.endswith("/events")).removesuffix("/events")
    with standin.client() as client:
        wait_until(lambda: client.get(address).status_code == 404, 60)


def test_why_a_job_failed_is_told(at_standin: Visit) -> None:
    assert measure(at_standin, "no_face")["code"] == "no_face"


def test_a_cancelled_job_is_taken_away(at_standin: Visit, standin: Server) -> None:
    assert measure(at_standin, "sleep_long", 4_000)["code"] == "cancelled"
    wait_until(lambda: not standin.uploads(), 60)
