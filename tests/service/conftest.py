from collections.abc import Iterator

import pytest

from tests.service.server import ROOT, Server, running_server


@pytest.fixture(autouse=True)
def _workers_find_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service with two stand-in workers for all tests that do not change it for good."""
    with running_server(
        tmp_path_factory.mktemp("server"),
        workers=2,
        max_upload_mb=1,
        max_image_mb=0.5,
        header_timeout_s=1.0,
        stall_timeout_s=1.0,
        keep_alive_s=60,
    ) as server:
        yield server
