from collections.abc import Iterator

import pytest

from facepulse import Client
from tests.service.server import Server, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service with two stand-in workers, one of them for jobs."""
    with running_server(tmp_path_factory.mktemp("server"), workers=2, max_upload_mb=1) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client of it."""
    with Client(server.url) as client:
        yield client
