"""Clips of the cache are what the service would crop, with the pulse at the crops' own times."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.estimate import face_clips
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import Clip, InputSpec
from training.clips import ClipFolder
from training.prepare import FRAMES, Preparer, joined, ppg_at
from training.synthesis.pulse_wave import Truth
from training.synthesis.recipe import Recipe, sample_recipe
from training.synthesis.render import render

STORE = Path(__file__).parents[2] / "model_store"


def clip(frames: int, start_s: float) -> Clip:
    return Clip(np.full((frames, 3, 36, 36), start_s, np.float32), np.ones(frames, np.bool_), start_s, 30.0)


def test_stretches_are_joined_and_cut() -> None:
    whole = joined(iter([clip(10, 0.5), clip(10, 1.0)]), 15)
    assert whole.start_s == 0.5
    assert whole.rgb[:, 0, 0, 0].tolist() == [0.5] * 10 + [1.0] * 5


def test_the_pulse_is_taken_at_the_crops_times() -> None:
    times = np.linspace(0, 2, 257)
    truth = Truth(times, np.sin(2 * np.pi * times), np.empty(0), 60.0)
    expected = np.sin(2 * np.pi * (0.5 + np.arange(30) / 30))
    np.testing.assert_allclose(ppg_at(truth, clip(30, 0.5)), expected, atol=1e-3)


def test_a_training_clip_is_what_the_service_sees(tmp_path: Path) -> None:
    preparer = Preparer("train", None, STORE, InputSpec())
    prepared = next(found for seed in range(5) if (found := preparer.prepare(seed)) is not None)
    recipe = Recipe.from_json(prepared.meta["recipe"])
    render(recipe, preparer.faces, tmp_path / "again")
    detector = FaceDetector(next(STORE.glob("face-*")))
    served = joined(face_clips(tmp_path / "again", InputSpec(), detector), FRAMES)
    np.testing.assert_array_equal(prepared.rgb, served.rgb)
    assert prepared.ppg.std() > 0.01


def test_people_and_seeds_of_the_splits_never_meet() -> None:
    train, test = (Preparer(split, None, STORE, InputSpec()) for split in ("train", "test"))
    assert not set(train.people) & set(test.people)
    assert sample_recipe(0, train.people, duration_s=5).scene.person in train.people


@pytest.mark.slow
def test_the_command_fills_a_cache(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.prepare", "--out", str(tmp_path), "--clips", "3", "--jobs", "1"]
    done = subprocess.run([*command, "--model-store", str(STORE)], check=True, capture_output=True, text=True)
    folder = ClipFolder(tmp_path)
    addresses = folder.addresses()
    assert f"{len(addresses)} clips of 3 renders" in done.stdout
    assert folder.read(addresses[0]).rgb.shape == (FRAMES, 3, 36, 36)
