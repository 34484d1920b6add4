"""What the pulse carries beyond its rate, through the whole chain: rendered faces with known beats and breath."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.answers import Estimate, Hrv, Respiration, Withheld
from service.pipeline.estimate import Estimator
from tests.service.pipeline.renders import face_recipe, render_face
from training.synthesis.pulse_wave import PulseSettings, Truth, make_truth

STORE = Path(__file__).parents[3] / "model_store"
BREATH_HZ = 0.25
LIVELY = PulseSettings(72, rsa=0.05, breath_hz=BREATH_HZ, drift=0.01, jitter=0.01, strength=0.06, am_depth=0.15)
STIFF = replace(LIVELY, rsa=0.0, drift=0.0, jitter=0.0, am_depth=0.0, baseline_depth=0.0)


def measured(folder: Path, pulse: PulseSettings) -> tuple[tuple[Estimate, ...], Truth]:
    """Return what each model says of a face with this pulse, and the pulse."""
    recipe = replace(face_recipe(duration_s=25.0, bits_per_pixel=0.8, noise=0.5), pulse=pulse)
    estimator = Estimator(STORE)
    path = render_face(folder / "face.mp4", recipe)
    return estimator.compare(path, estimator.names), make_truth(pulse, recipe.duration_s, recipe.rng("pulse"))


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Estimate, ...], Truth]:
    return measured(tmp_path_factory.mktemp("lively"), LIVELY)


@pytest.fixture(scope="module")
def stiff(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Estimate, ...], Truth]:
    return measured(tmp_path_factory.mktemp("stiff"), STIFF)


@pytest.mark.parametrize("kind", ["lively", "stiff"])
def test_variability_is_right_or_not_said(kind: str, request: pytest.FixtureRequest) -> None:
    estimates, truth = request.getfixturevalue(kind)
    intervals_ms = 1000 * np.diff(truth.beats_s)
    for estimate in estimates:
        hrv = estimate.faces[0].hrv
        if isinstance(hrv, Hrv):
            assert hrv.rmssd_ms == pytest.approx(np.sqrt((np.diff(intervals_ms) ** 2).mean()), abs=10)
            assert hrv.sdnn_ms == pytest.approx(intervals_ms.std(ddof=1), abs=10)
        else:
            assert hrv.code in ("wave_too_noisy", "too_many_artefacts", "low_confidence", "smoothed")


def test_a_model_that_smooths_the_beats_says_nothing_of_their_rhythm(
    lively: tuple[tuple[Estimate, ...], Truth],
) -> None:
    by_model = {estimate.model.name: estimate.faces[0] for estimate in lively[0]}
    for face in (by_model["temporal"], by_model["student"]):
        smoothed = [isinstance(said, Withheld) and said.code == "smoothed" for said in (face.hrv, face.respiration)]
        assert smoothed == [face is by_model["temporal"]] * 2


def test_a_clear_pulse_has_its_beats_and_its_breath(lively: tuple[tuple[Estimate, ...], Truth]) -> None:
    estimates, truth = lively
    faces = [estimate.faces[0] for estimate in estimates]
    hrv = next(face.hrv for face in faces if isinstance(face.hrv, Hrv))
    away_s = np.abs(np.array(hrv.beats_s)[:, None] - truth.beats_s).min(axis=1)
    assert np.median(away_s) < 0.1
    breaths = [face.respiration for face in faces if isinstance(face.respiration, Respiration)]
    assert breaths
    # The rendered breath wanders by a tenth.
    assert np.abs(np.array([breath.breaths_per_minute for breath in breaths]) - 60 * BREATH_HZ).max() < 3


def test_a_heart_without_breath_has_none(stiff: tuple[tuple[Estimate, ...], Truth]) -> None:
    for estimate in stiff[0]:
        assert isinstance(estimate.faces[0].respiration, Withheld)
