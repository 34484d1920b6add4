"""The real Estimator behind the real service: what is no video, and the bundled clip."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.pipeline.manifest import ModelStore
from service.settings import Settings
from service.wire import DEFAULT_ESTIMATOR
from tests.service.pipeline.frame_batches import crop, decode_rgb
from tests.service.pipeline.media import Rgb
from tests.service.pipeline.pictures import jpeg, jpeg_that_says, png_that_says
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


def test_nor_is_it_near_once_every_network_was_asked(chain: Server) -> None:
    for _ in range(2):
        for model in ("temporal", "mobilenetv3", "student", "teacher"):
            chain.measure(CLIP.read_bytes(), model=model).raise_for_status()
    most = max(worker.memory_info().data for worker in chain.workers())
    assert most < 0.8 * Settings().worker_memory_mb * 2**20


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


@pytest.fixture(scope="module")
def decoded() -> tuple[Rgb, tuple[float, ...]]:
    return decode_rgb(CLIP, shrink=2)


@pytest.fixture(scope="module")
def true_bpm() -> float:
    return Truth.read_csv(CLIP.with_suffix(".csv")).bpm


def send_raw(chain: Server, frames: Rgb, **options: str) -> httpx.Response:
    count, height, width, _ = frames.shape
    headers = {"X-Frame-Count": str(count), "X-Frame-Height": str(height), "X-Frame-Width": str(width)}
    with chain.client() as client:
        return client.post(
            "/v1/heart-rate/frames",
            content=frames.tobytes(),
            headers=headers | {"Content-Type": "application/octet-stream"},
            params=options,
        )


def send_images(chain: Server, images: list[bytes], **options: str) -> httpx.Response:
    with chain.client() as client:
        return client.post("/v1/heart-rate/frames", files=[("images", image) for image in images], data=options)


def test_the_bundled_clip_as_raw_frames(chain: Server, decoded: tuple[Rgb, tuple[float, ...]], true_bpm: float) -> None:
    answer = send_raw(chain, decoded[0], fps="30")
    assert answer.json()["bpm"] == pytest.approx(true_bpm, abs=1.0)
    assert (answer.json()["status"], answer.json()["video"]["codec"]) == ("ok", "rgb24")


def test_the_bundled_clip_as_images(chain: Server, decoded: tuple[Rgb, tuple[float, ...]], true_bpm: float) -> None:
    times_s = ",".join(map(str, decoded[1]))
    answer = send_images(chain, [jpeg(frame, "yuvj420p") for frame in decoded[0]], timestamps_s=times_s)
    assert answer.json()["bpm"] == pytest.approx(true_bpm, abs=1.0)
    assert answer.json()["video"] == {
        "duration_s": 15.0, "fps": 29.999, "frames": 450, "width": 320, "height": 240, "codec": "jpeg"
    }  # fmt: skip


def test_the_bundled_clip_as_crops_of_the_face(
    chain: Server, decoded: tuple[Rgb, tuple[float, ...]], true_bpm: float
) -> None:
    answer = send_raw(chain, crop(decoded[0], 87, 26, 142), fps="30", cropped="true")
    assert answer.json()["bpm"] == pytest.approx(true_bpm, abs=1.0)
    assert answer.json()["face"]["found_ratio"] == 1.0


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (png_that_says(100_000, 100_000), "resolution_out_of_range"),
        (png_that_says(20_000, 20_000), "resolution_out_of_range"),
        (png_that_says(640, 480), "image_malformed"),
        (jpeg_that_says(640, 480), "image_malformed"),
        (b"GIF89a" + bytes(2000), "not_an_image"),
        (b"<svg onload='x'/>", "not_an_image"),
        (CLIP.read_bytes()[:5000], "not_an_image"),
    ],
    ids=["100k", "20k", "no pixels", "no scan", "GIF", "SVG", "a video"],
)
def test_bad_images_cost_no_worker(chain: Server, image: bytes, code: str) -> None:
    before = chain.workers()
    answer = send_images(chain, [image] * 180, fps="30")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert chain.workers() == before
    assert chain.uploads() == []


def test_odd_sizes_in_a_batch(chain: Server, decoded: tuple[Rgb, tuple[float, ...]]) -> None:
    images = [jpeg(decoded[0][0])] * 90 + [jpeg(decoded[0][0, :200])] * 90
    assert send_images(chain, images, fps="30").json()["code"] == "resolution_changed"


@pytest.mark.parametrize("fps", ["1", "500"])
def test_rates_beyond_the_limits(chain: Server, decoded: tuple[Rgb, tuple[float, ...]], fps: str) -> None:
    answer = send_raw(chain, decoded[0][:100], fps=fps)
    assert (answer.status_code, answer.json()["code"]) in [(422, "frame_rate_out_of_range"), (422, "too_short")]
