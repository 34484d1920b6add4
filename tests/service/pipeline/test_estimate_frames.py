"""Batches of frames through the whole chain: the same as the video that they come from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.answers import Estimate
from service.pipeline.errors import NoFaceFound, ResolutionOutOfRange, UnknownModel
from service.pipeline.estimate import Estimator
from tests.service.pipeline.frame_batches import crop, decode_rgb
from tests.service.pipeline.media import Rgb
from tests.service.pipeline.pictures import jpeg, write_images, write_raw
from tests.service.pipeline.renders import BPM, face_recipe, render_face

STORE = Path(__file__).parents[3] / "model_store"


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator(STORE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_face(tmp_path_factory.mktemp("clip") / "still.mp4", face_recipe(duration_s=10.5))


@pytest.fixture(scope="module")
def of_video(estimator: Estimator, clip: Path) -> Estimate:
    return estimator.estimate(clip)


@pytest.fixture(scope="module")
def decoded(clip: Path) -> tuple[Rgb, tuple[float, ...]]:
    return decode_rgb(clip)


def likeness(first: Estimate, second: Estimate) -> float:
    """Correlate the two waves where both are."""
    one, other = first.faces[0].heart_rate.bvp, second.faces[0].heart_rate.bvp
    length = min(len(one), len(other))
    assert abs(len(one) - len(other)) <= 1
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


def test_raw_frames_are_the_video(
    estimator: Estimator, of_video: Estimate, decoded: tuple[Rgb, tuple[float, ...]], tmp_path: Path
) -> None:
    batch = replace(write_raw(tmp_path / "raw", decoded[0]), timestamps_s=decoded[1])
    estimate = estimator.estimate_frames(batch)
    assert estimate.faces[0].heart_rate.bpm == pytest.approx(of_video.faces[0].heart_rate.bpm, abs=0.3)
    assert likeness(estimate, of_video) > 0.98
    assert set(estimate.timing_s) == {"decode", "face", "clip", "infer", "pulse"}


def test_images_are_the_video(
    estimator: Estimator, of_video: Estimate, decoded: tuple[Rgb, tuple[float, ...]], tmp_path: Path
) -> None:
    batch = replace(write_images(tmp_path / "images", [jpeg(rgb) for rgb in decoded[0]]), timestamps_s=decoded[1])
    estimate = estimator.estimate_frames(batch)
    assert estimate.faces[0].heart_rate.bpm == pytest.approx(of_video.faces[0].heart_rate.bpm, abs=1.0)
    assert estimate.video.codec == "jpeg"
    assert likeness(estimate, of_video) > 0.95


@pytest.mark.parametrize("model", ["auto", "pos"])
def test_crops_of_the_face_need_no_detector(
    estimator: Estimator,
    of_video: Estimate,
    decoded: tuple[Rgb, tuple[float, ...]],
    tmp_path: Path,
    model: str,
) -> None:
    (_, box), *moves = of_video.faces[0].track.crops
    assert not moves
    crops = crop(decoded[0], int(box.x0), int(box.y0), int(box.width))
    estimate = estimator.estimate_frames(write_raw(tmp_path / "raw", crops), cropped=True, model=model)
    assert estimate.faces[0].heart_rate.bpm == pytest.approx(BPM, abs=2.0)
    assert estimate.faces[0].track.found_ratio == 1.0
    if model == "auto":
        assert likeness(estimate, of_video) > 0.98


def test_a_crop_may_be_as_small_as_what_the_model_sees(estimator: Estimator, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(120, 5, (240, 36, 36, 3)).astype(np.uint8) + np.uint8(20) * np.arange(3, dtype=np.uint8)
    estimate = estimator.estimate_frames(write_raw(tmp_path / "raw", noise), cropped=True)
    assert estimate.faces[0].heart_rate.status == "low_quality"
    assert [warned.code for warned in estimate.warnings] == ["face_small"]
    with pytest.raises(ResolutionOutOfRange):
        estimator.estimate_frames(write_raw(tmp_path / "small", noise[:, :35, :35]), cropped=True)
    with pytest.raises(ResolutionOutOfRange):
        estimator.estimate_frames(write_raw(tmp_path / "whole", noise))


def test_a_still_picture_gets_no_confident_rate(
    estimator: Estimator, decoded: tuple[Rgb, tuple[float, ...]], tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (240, 120, 120, 3))
    still = np.clip(decoded[0][0, 60:180, 100:220] + noise, 0, 255).astype(np.uint8)
    rate = estimator.estimate_frames(write_raw(tmp_path / "raw", still), cropped=True)
    assert rate.faces[0].heart_rate.confidence < 0.3


def test_whole_frames_need_a_face(estimator: Estimator, tmp_path: Path) -> None:
    wall = np.full((160, 120, 160, 3), (180, 160, 140), np.uint8)
    with pytest.raises(NoFaceFound):
        estimator.estimate_frames(write_raw(tmp_path / "wall", wall))


def test_an_unknown_model_is_named(estimator: Estimator, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        estimator.estimate_frames(write_raw(tmp_path / "raw", np.zeros((160, 64, 64, 3), np.uint8)), model="oracle")
