"""Rendered against real: a cache of constructed clips, a rendered face as the real one."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from tests.service.pipeline.renders import render_face
from tests.training.pictures import has_content
from tests.training.test_tables import rows
from tests.training.test_traits import BPM, FPS, PULSE, beating
from tests.training.videos import STORE, small_recipe
from training.clips import ClipFolder, ClipWriter
from training.realism import TOO_SHORT, main, place_table, read_real, read_rendered, snr_table
from training.traits import Specimen, Traits

NOTHING = np.zeros((0, 3))


def specimen(name: str, size: float | None, *, codec: str = "h264", bits: float = 0.1, snr: float = 0.0) -> Specimen:
    figures = {} if size is None else {"noise, %": size}
    true = {"SNR of GREEN, dB": snr, "SNR of POS, dB": snr - 1}
    return Specimen(name, codec, bits, Traits({"level": 0.5, **figures}, true, NOTHING[:, 0], NOTHING))


HUNDRED = [specimen(str(index), float(index)) for index in range(100)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    for tag, noise_size in (("quiet", 0.1), ("loud", 1.0)):
        with ClipWriter(folder, tag=tag) as writer:
            clip = beating(noise_size)
            meta = {"bpm": BPM, "person": "a", "fps": FPS, "recipe": small_recipe().to_json()}
            writer.add(clip.rgb, PULSE.astype(np.float32), clip.comparable, meta)
    return folder


@pytest.mark.parametrize(
    ("size", "cell"),
    [(4.0, "**4 (4)**"), (4.5, "4.5 (5)"), (50.0, "50 (50)"), (95.0, "95 (95)"), (96.0, "**96 (96)**"), (None, "-")],
)
def test_what_lies_outside_5_to_95_percent_is_marked(size: float | None, cell: str) -> None:
    header, _, _, row = rows(place_table(HUNDRED, [specimen("real.mp4", size)]))
    assert header[-1] == "real.mp4"
    assert row == ["noise, %", "100", "4.95", "49.5", "94", cell]


def test_the_snr_is_told_by_codec_and_bits_per_pixel() -> None:
    specimens = [specimen("a", 1.0, bits=0.2, snr=3.0), specimen("b", 1.0, bits=0.02, snr=-5.0)]
    specimens += [specimen("c", 1.0, bits=0.3, snr=1.0), specimen("d", 1.0, bits=0.5, codec="mjpeg", snr=6.0)]
    header, _, *codecs = rows(snr_table(specimens))
    assert header[1:] == ["< 0.05", "> 0.15"]
    assert codecs == [["h264", "-5.0 / -6.0 (1)", "2.0 / 1.0 (2)"], ["mjpeg", "-", "6.0 / 5.0 (1)"]]


def test_a_cache_is_read_with_its_recipes_and_its_truth(cache: Path) -> None:
    found = read_rendered(ClipFolder(cache))
    codec = small_recipe().codec
    assert [(one.codec, one.bits_per_pixel) for one in found] == [(codec.name, codec.bits_per_pixel)] * 2
    for one in found:
        assert one.traits.true_figures["pulse in green, %"] == pytest.approx(np.sqrt(0.5), rel=0.1)
    loud, quiet = (one.traits.true_figures["SNR of GREEN, dB"] for one in found)
    assert quiet > loud + 10


def test_shards_are_chosen_by_name(cache: Path) -> None:
    (one,) = read_rendered(ClipFolder(cache), "shard-quiet-*")
    assert one.name == "shard-quiet-000000/0"


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ModelStore(STORE).folder("face"))


def test_a_video_is_measured_as_the_service_sees_it(face_video: Path, detector: FaceDetector) -> None:
    (one,), left_out = read_real([face_video], detector)
    recipe = small_recipe()
    pixels = recipe.camera.width * recipe.camera.height * recipe.duration_s * recipe.camera.fps
    assert (one.name, one.codec, left_out) == (face_video.name, "h264", {})
    assert one.bits_per_pixel == pytest.approx(8 * face_video.stat().st_size / pixels, rel=0.02)
    assert one.traits.true_figures == {}


def test_a_video_that_cannot_be_measured_is_named(detector: FaceDetector, tmp_path: Path) -> None:
    late, none = tmp_path / "late.mp4", tmp_path / "none.mp4"
    render_face(late, replace(small_recipe(), duration_s=3.0), wall_s=3.0)
    none.write_bytes(b"no video")
    assert read_real([late, none], detector) == ([], {"late.mp4": TOO_SHORT, "none.mp4": "not_a_video"})


def test_the_command_prints_tables_and_draws(
    cache: Path, face_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "real.mp4"
    shutil.copy(face_video, video)
    main([str(video), "--clips", str(cache), "--out", str(tmp_path / "out"), "--model-store", str(STORE)])
    text = capsys.readouterr().out
    assert "| noise in green, % |" in text
    assert "real.mp4: h264" in text
    for name in ("realism.png", "realism-spectra.png"):
        assert has_content(tmp_path / "out" / name)
