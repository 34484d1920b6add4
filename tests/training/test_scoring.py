"""Answers of the service beside the truth: rates, windows, waves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.answers import HeartRate
from service.pipeline.estimate import Estimator
from tests.service.pipeline.renders import BPM
from tests.training.test_takes import pulse
from tests.training.videos import write_case
from training.scores import Score
from training.scoring import score_take, wave_score, z_scored
from training.takes import CaseTakes, Reference, Take

FPS = 30.0


def scored(folder: Path, video: Path, store: Path, bpm: float | None = BPM) -> list[Score]:
    takes = CaseTakes("set", [write_case(folder, 5, video, bpm)])
    return score_take(Estimator(store), takes.read("5"), ["tiny", "pos"])


def rate(values: np.ndarray[tuple[int], np.dtype[np.float64]], start_s: float = 0.0) -> HeartRate:
    """Return a heart rate with this wave."""
    return HeartRate(70.0, 0.9, 3.0, "ok", (), values.astype(np.float32), FPS, start_s)


def wave_of(bpm: float, seconds: float = 18.0, late_s: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    times_s = np.arange(int(seconds * FPS)) / FPS
    return np.asarray(np.sin(2 * np.pi * bpm / 60 * (times_s - late_s)))


def test_every_model_answers_as_the_service_does(face_video: Path, tiny_store: Path, tmp_path: Path) -> None:
    scores = scored(tmp_path, face_video, tiny_store)
    served = Estimator(tiny_store).estimate(face_video, model="pos").faces[0].heart_rate
    assert [score.model for score in scores] == ["tiny", "pos"]
    assert (scores[1].bpm, scores[1].confidence, scores[1].status) == (served.bpm, served.confidence, served.status)
    assert max(score.error_bpm for score in scores) < 3
    assert {(score.name, score.true_bpm) for score in scores} == {("5", BPM)}


def test_windows_have_a_truth_of_their_own(face_video: Path, tiny_store: Path, tmp_path: Path) -> None:
    (window,) = scored(tmp_path, face_video, tiny_store)[1].windows
    assert window.true_bpm == pytest.approx(BPM, abs=1)
    assert window.error_bpm < 3


def test_a_video_without_a_pulse_has_an_answer_and_no_truth(
    pulseless_video: Path, tiny_store: Path, tmp_path: Path
) -> None:
    score = scored(tmp_path, pulseless_video, tiny_store, None)[0]
    assert (score.true_bpm, score.windows, score.wave, score.error_code) == (None, (), None, "")


def test_a_refused_video_is_a_score_with_a_code(tiny_store: Path, tmp_path: Path) -> None:
    (tmp_path / "wall").write_bytes(b"no video")
    score = scored(tmp_path / "set", tmp_path / "wall", tiny_store)[0]
    assert score.status == "refused"
    assert score.error_code
    assert score.true_bpm == BPM


def test_a_recordings_rate_comes_from_its_sensor(face_video: Path, tiny_store: Path, tmp_path: Path) -> None:
    take = CaseTakes("set", [write_case(tmp_path, 5, face_video, BPM)]).read("5")
    recorded = Take("a", {}, take.open, Reference(pulse(77.0)))
    assert score_take(Estimator(tiny_store), recorded, ["pos"])[0].true_bpm == pytest.approx(77, abs=0.5)


def test_the_same_wave_is_no_error() -> None:
    found = wave_score(rate(wave_of(72.0)), Reference(pulse(72.0)))
    assert found is not None
    assert found.r > 0.99
    assert found.rmse < 0.1
    assert found.shift_s == 0


@pytest.mark.parametrize("late_s", [-0.2, 0.1])
def test_a_late_wave_is_found_by_its_shift(late_s: float) -> None:
    found = wave_score(rate(wave_of(72.0, late_s=late_s)), Reference(pulse(72.0)))
    assert found is not None
    assert found.r == pytest.approx(np.cos(2 * np.pi * 1.2 * late_s), abs=0.05)
    assert found.shifted_r > 0.99
    assert found.shift_s == pytest.approx(late_s, abs=0.02)


def test_figures_of_z_scored_waves_fit_together() -> None:
    """Of waves of mean 0 and variance 1 the mean squared difference is 2 (1 - r)."""
    found = wave_score(rate(wave_of(72.0, 6.0, late_s=0.15)), Reference(pulse(72.0)))
    assert found is not None
    assert found.rmse**2 == pytest.approx(2 * (1 - found.r), abs=0.02)


def test_waves_are_compared_by_their_times() -> None:
    later = wave_of(72.0, 24.0)[180:]
    found = wave_score(rate(later, 6.0), Reference(pulse(72.0)))
    assert found is not None
    assert found.r > 0.98


def test_too_short_a_wave_has_no_figures() -> None:
    assert wave_score(rate(wave_of(72.0, 5.9)), Reference(pulse(72.0))) is None
    short = replace(rate(wave_of(72.0)), start_s=26.0)
    assert wave_score(short, Reference(pulse(72.0))) is None


def test_z_scores_have_mean_0_and_variance_1() -> None:
    z = z_scored(np.array([1.0, 2.0, 6.0]))
    assert (z.mean(), z.std()) == (pytest.approx(0), pytest.approx(1))
    assert not z_scored(np.ones(5)).any()
