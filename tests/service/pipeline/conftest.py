"""Videos that several tests of decoding damage or cut, written once."""

import pytest

from tests.service.pipeline.media import Recipe, write_video


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_video(tmp_path_factory.mktemp("decode") / "good.mp4").read_bytes()


@pytest.fixture(scope="session")
def fast_start(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recipe = Recipe(container_options=(("movflags", "faststart"),))
    return write_video(tmp_path_factory.mktemp("decode") / "fast_start.mp4", recipe).read_bytes()
