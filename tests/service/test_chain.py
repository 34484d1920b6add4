"""The real Estimator behind the real service: what is no video, and the bundled clip."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.pipeline.manifest import ModelStore
from service.settings import Settings
from service.wire import DEFAULT_ESTIMATOR
from tests.service.server import Server, running_server
from training.synthesis.pulse_wave import Truth

CLIP = Path(__file__).parents[2] / "demo" / "astronaut.mp4"
STORE = Path(__file__).parents[2] / "model_store"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("chain"), estimator=DEFAULT_ESTIMATOR, model_store=STORE) as server:
        yield server


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"<!doctype html><title>x</title>",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(100),
        b"\x7fELF" + bytes(1000),
        bytes(range(256)) * 4096,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/\n",
        b"ffconcat version 1.0\nfile 'other.mp4'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    ],
    ids=["one byte", "HTML", "PDF", "ZIP", "ELF", "anything", "HLS to a file", "HLS to a host", "ffconcat", "SDP"],
)
def test_what_is_no_video_is_not_taken(chain: Server, content: bytes) -> None:
    before = chain.workers()
    answer = chain.measure(content, model="pos")
    assert (answer.status_code, answer.json()["code"]) == (415, "not_a_video")
    assert chain.workers() == before, "a bad file costs no worker"


def test_the_default_limit_of_memory_suffices(chain: Server) -> None:
    worker = chain.workers()[0]
    assert worker.memory_info().data < Settings().worker_memory_mb * 2**20 / 2


@pytest.mark.parametrize("model", ["auto", "teacher", "mobilenetv3", "pos"])
def test_the_bundled_clip_gets_its_true_rate(chain: Server, model: str) -> None:
    answer = chain.measure(CLIP.read_bytes(), model=model)
    assert answer.status_code == 200
    assert answer.json()["bpm"] == pytest.approx(Truth.read_csv(CLIP.with_suffix(".csv")).bpm, abs=1.5)
    assert answer.json()["status"] == "ok"
    assert chain.uploads() == []


def test_the_default_knows_its_confidence() -> None:
    store = ModelStore(STORE)
    assert store.manifest(store.default).calibration is not None
