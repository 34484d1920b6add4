"""The whole chain on rendered faces: rates, times, rotation, refusals, memory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.decode import VideoReader
from service.pipeline.errors import NoFaceFound, UnknownModel, VideoTooLong
from service.pipeline.estimate import Estimator, face_clips
from service.pipeline.spectrum import band_pass
from service.pipeline.types import DecodeLimits, InputSpec
from tests.service.pipeline.media import Recipe, flat, write_video
from tests.service.pipeline.renders import BPM, face_recipe, render_face, repeat_packets
from tests.service.pipeline.tiny_models import write_active, write_green_model
from training.synthesis.light import LightSettings
from training.synthesis.motion import MotionSettings

STORE = Path(__file__).parents[3] / "model_store"


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator(STORE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_face(tmp_path_factory.mktemp("clip") / "still.mp4")


def names() -> tuple[str, ...]:
    return Estimator(STORE).names


@pytest.mark.parametrize("model", names())
def test_every_model_finds_the_rate_of_a_clear_pulse(estimator: Estimator, clip: Path, model: str) -> None:
    estimate = estimator.estimate(clip, model=model)
    assert estimate.faces[0].heart_rate.bpm == pytest.approx(BPM, abs=2)
    assert estimate.model.name == model


def test_auto_is_the_default_of_the_store(estimator: Estimator, clip: Path) -> None:
    assert estimator.estimate(clip).model.name == estimator.default


def test_auto_can_be_told_otherwise_but_not_of_a_release(estimator: Estimator) -> None:
    told = Estimator(STORE, default="pos")
    assert (told.model().info.name, told.default, told.release.default) == ("pos", "pos", "pos")
    assert Estimator(STORE, estimator.release, "pos").default == estimator.default


def test_a_default_that_is_no_model_does_not_get_warm(tmp_path: Path) -> None:
    (tmp_path / "face-1.0.0").symlink_to(STORE / "face-1.0.0")
    (tmp_path / "active.json").write_text('{"default": "nobody", "models": {"face": "1.0.0"}}')
    with pytest.raises(UnknownModel) as raised:
        Estimator(tmp_path).warm()
    assert "nobody" in raised.value.detail


def test_a_release_is_opened_whatever_the_store_names_by_now(tmp_path: Path) -> None:
    (tmp_path / "face-1.0.0").symlink_to(STORE / "face-1.0.0")
    write_green_model(tmp_path)
    write_active(tmp_path, "tiny", ["face", "tiny"])
    release = Estimator(tmp_path).release
    write_active(tmp_path, "pos", ["face"])
    later = Estimator(tmp_path, release)
    later.warm()
    assert (later.default, later.release) == ("tiny", release)


def test_the_answer_is_the_same_every_time(estimator: Estimator, clip: Path) -> None:
    first, second = (estimator.estimate(clip).faces[0].heart_rate for _ in range(2))
    assert first.bpm == second.bpm
    np.testing.assert_array_equal(first.bvp, second.bvp)


def test_comparing_models_gives_each_ones_own_answer(estimator: Estimator, clip: Path) -> None:
    green, pos = estimator.compare(clip, ["green", "pos"])
    assert (green.model.name, pos.model.name) == ("green", "pos")
    assert green.faces[0].heart_rate.bpm == estimator.estimate(clip, model="green").faces[0].heart_rate.bpm
    assert pos.faces[0].heart_rate.snr_db == estimator.estimate(clip, model="pos").faces[0].heart_rate.snr_db


def test_times_are_those_of_the_video(estimator: Estimator, clip: Path) -> None:
    estimate = estimator.estimate(clip, start_s=4.0, duration_s=8.0)
    rate = estimate.faces[0].heart_rate
    assert rate.start_s == pytest.approx(4.0, abs=0.1)
    assert len(rate.bvp) / rate.fps == pytest.approx(8.0, abs=0.2)
    assert rate.windows[0].start_s >= 4.0


def test_progress_rises_to_the_end(estimator: Estimator, clip: Path) -> None:
    shares: list[float] = []
    estimator.estimate(clip, progress=lambda progress: shares.append(progress.share))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.02)


def test_every_stage_reports_its_time(estimator: Estimator, clip: Path) -> None:
    assert set(estimator.estimate(clip).timing_s) == {"decode", "face", "clip", "infer", "pulse"}


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_a_rotated_video_gives_the_same_rate(
    estimator: Estimator, clip: Path, tmp_path: Path, rotation_deg: int
) -> None:
    upright = estimator.estimate(clip).faces[0].heart_rate
    turned = render_face(tmp_path / "turned.mp4", stored_turn_deg=rotation_deg)
    estimate = estimator.estimate(turned)
    assert estimate.video.rotation_deg == rotation_deg
    assert estimate.faces[0].heart_rate.bpm == pytest.approx(upright.bpm, abs=1.0)


def test_a_variable_frame_rate_gives_the_rate_of_its_constant_twin(
    estimator: Estimator, clip: Path, tmp_path: Path
) -> None:
    constant = estimator.estimate(clip).faces[0].heart_rate
    variable = estimator.estimate(render_face(tmp_path / "variable.mp4", face_recipe(jitter=0.25, dropped=0.1)))
    assert variable.faces[0].heart_rate.bpm == pytest.approx(constant.bpm, abs=1.0)


NO_PULSE = {
    "photograph": face_recipe(pulse=False),
    "lamp": replace(face_recipe(pulse=False), light=LightSettings(flicker=0.01, flicker_hz=1.4)),
    "nods": replace(face_recipe(pulse=False), motion=MotionSettings("rhythmic", rate_hz=1.4)),
}


@pytest.mark.parametrize("kind", NO_PULSE)
@pytest.mark.parametrize("model", names())
def test_what_shows_no_pulse_gets_no_confident_rate(
    estimator: Estimator, tmp_path_factory: pytest.TempPathFactory, model: str, kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{kind}.mp4"
    if not path.exists():
        render_face(path, NO_PULSE[kind])
    rate = estimator.estimate(path, model=model).faces[0].heart_rate
    assert rate.confidence < 0.3
    assert rate.status == "low_quality"


def test_what_a_rate_is_checked_against_comes_from_the_video(estimator: Estimator, tmp_path: Path) -> None:
    recipe = NO_PULSE["lamp"]
    path = render_face(tmp_path / "lamp.mp4", replace(recipe, codec=replace(recipe.codec, gop=36)))
    ((_, controls),) = estimator.observe(path, ["green"])
    assert np.diff(controls.key_times_s) == pytest.approx(1.2, abs=0.01)
    skin, *around = (band_pass(wave.samples.astype(np.float64), wave.fps) for wave in (controls.skin, *controls.around))
    assert min(float(np.corrcoef(area, skin)[0, 1]) for area in around) > 0.9


def test_where_the_head_is_comes_from_the_video(estimator: Estimator, tmp_path: Path) -> None:
    ((_, controls),) = estimator.observe(render_face(tmp_path / "nods.mp4", NO_PULSE["nods"]), ["green"])
    assert max(np.ptp(band_pass(axis.samples.astype(np.float64), axis.fps)) for axis in controls.motion) > 0.01


def test_two_faces_get_a_rate_each(estimator: Estimator, tmp_path: Path) -> None:
    path = render_face(tmp_path / "two.mp4", second_bpm=110.0)
    faces = estimator.estimate(path, face="all").faces
    rates = sorted(face.heart_rate.bpm for face in faces)
    assert rates == pytest.approx([BPM, 110.0], abs=3)
    assert len(estimator.estimate(path).faces) == 1


def test_a_wall_has_no_face(estimator: Estimator, tmp_path: Path) -> None:
    path = write_video(tmp_path / "wall.mp4", Recipe(), flat(180, 160, 140))
    with pytest.raises(NoFaceFound):
        estimator.estimate(path)
    with pytest.raises(NoFaceFound):
        list(face_clips(VideoReader(path), InputSpec(), estimator.detector))


def test_a_face_for_too_short_a_time_is_no_face(estimator: Estimator, tmp_path: Path) -> None:
    path = render_face(tmp_path / "late.mp4", face_recipe(duration_s=8.0), wall_s=5.0)
    with pytest.raises(NoFaceFound, match="5 s"):
        estimator.estimate(path)


def test_a_video_longer_than_the_caller_allows_is_refused(estimator: Estimator, clip: Path) -> None:
    with pytest.raises(VideoTooLong):
        estimator.estimate(clip, limits=DecodeLimits(max_duration_s=8.0))


def test_an_unknown_model_is_named(estimator: Estimator, clip: Path) -> None:
    with pytest.raises(UnknownModel):
        estimator.estimate(clip, model="oracle")


def test_warming_opens_every_model() -> None:
    estimator = Estimator(STORE)
    estimator.warm()
    assert {estimator.model(name).info.name for name in estimator.names} == set(estimator.names)


# The high-water mark of this program alone: ru_maxrss would also hold that of the process which started it.
_PEAK_MB = """
import re, sys
from pathlib import Path
from service.pipeline.estimate import Estimator
estimate = Estimator(Path(sys.argv[1])).estimate(Path(sys.argv[2]))
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(estimate.video.duration_s, int(peak_kb) / 1024)
"""


def peak_mb(path: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _PEAK_MB, str(STORE), str(path)]
    duration_s, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(duration_s), float(megabytes)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_ten_minutes_cost_hardly_more_memory_than_one(tmp_path: Path) -> None:
    short = render_face(tmp_path / "short.mp4", face_recipe(fps=12.0, duration_s=30.0))
    repeat_packets(short, tmp_path / "one.mp4", 2)
    repeat_packets(short, tmp_path / "ten.mp4", 20)
    one_s, one_mb = peak_mb(tmp_path / "one.mp4")
    ten_s, ten_mb = peak_mb(tmp_path / "ten.mp4")
    assert one_s == pytest.approx(60, abs=1)
    assert ten_s == pytest.approx(600, abs=2)
    # The samples and what their spectra need may be added; the face's clips would be 100 MB, the frames 700 MB.
    assert ten_mb - one_mb < 30
