"""A training clip is a served clip: what the cache holds of a video is what a model gets of it in the service."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.classical import CLASSICAL
from service.pipeline.estimate import Estimator
from service.pipeline.types import Calibration, Clip, InputSpec, ModelInfo, Pulse, PulseModel
from tests.training.videos import STORE, small_recipe
from training import prepare
from training.clips import ClipFolder, ClipWriter
from training.synthesis.faces import AstronautFace
from training.synthesis.motion import MotionSettings
from training.synthesis.recipe import Recipe
from training.synthesis.render import Truth, render

FRAMES = 160


class Recorder:
    """A pulse model that keeps the crops it gets and says nothing of them."""

    info = ModelInfo("recorder", "1.0.0", "")
    input = InputSpec()
    calibration = Calibration(0.0, {})

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def stream(self) -> "Recorder":
        return self

    def push(self, clip: Clip) -> None:
        self.clips.append(clip)

    def finish(self) -> Pulse:
        count = sum(len(clip.rgb) for clip in self.clips) - 1
        return Pulse(np.zeros(count, np.float32), np.ones(count, np.bool_), 0.0, self.input.fps, "derivative")

    def forget(self, count: int) -> None:
        """Keep everything."""


def moving_recipe() -> Recipe:
    """Return a head that turns, in uneven frames: the box moves and the grid has work to do."""
    recipe = small_recipe()
    camera = replace(recipe.camera, fps=27.3, jitter=0.2, dropped=0.05)
    return replace(recipe, camera=camera, motion=MotionSettings("turning", strength=1.0))


def served(video: Path, monkeypatch: pytest.MonkeyPatch) -> Clip:
    """Return what the service's own chain gives to a model."""
    recorder = Recorder()
    model: PulseModel = recorder
    monkeypatch.setitem(CLASSICAL, "recorder", lambda: model)
    Estimator(STORE).estimate(video, model="recorder")
    return Clip(
        np.concatenate([clip.rgb for clip in recorder.clips]),
        np.concatenate([clip.comparable for clip in recorder.clips]),
        recorder.clips[0].start_s,
        recorder.clips[0].fps,
    )


@pytest.mark.parametrize("recipe", [small_recipe(), moving_recipe()], ids=["still", "moving"])
def test_a_training_clip_is_a_served_clip(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = tmp_path / "kept"

    def render_and_keep(recipe: Recipe, faces: AstronautFace, path: Path) -> Truth:
        truth = render(recipe, faces, path)
        shutil.copyfile(path, video)
        return truth

    monkeypatch.setattr(prepare, "render", render_and_keep)
    prepared = prepare.Preparer("train", AstronautFace(), STORE, InputSpec(), frames=FRAMES).prepare(recipe)
    assert prepared is not None
    clip = served(video, monkeypatch)
    np.testing.assert_array_equal(prepared.rgb, clip.rgb[:FRAMES])
    np.testing.assert_array_equal(prepared.comparable, clip.comparable[:FRAMES])
    assert prepared.meta["fps"] == clip.fps


def test_the_cache_keeps_more_than_the_camera_gave(tmp_path: Path) -> None:
    preparer = prepare.Preparer("train", AstronautFace(), STORE, InputSpec(), frames=FRAMES)
    prepared = preparer.prepare(small_recipe())
    assert prepared is not None
    with ClipWriter(tmp_path) as writer:
        writer.add(prepared.rgb, prepared.ppg, prepared.comparable, prepared.meta)
    folder = ClipFolder(tmp_path)
    (address,) = folder.addresses()
    assert np.abs(folder.read(address).rgb - prepared.rgb).max() < 1e-5
