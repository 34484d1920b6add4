"""Clips of the cache have the pulse at the crops' own times; that they are what the service sees: tests/contract."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.types import InputSpec
from tests.training.datasets.folders import heart, make_take, write_own
from tests.training.videos import STORE, small_recipe
from training.clips import ClipFolder
from training.datasets.splits import people_of
from training.prepare import Preparer, main, mix_clip
from training.synthesis.codec import CodecSettings
from training.synthesis.faces import AstronautFace, DrawnFaces
from training.synthesis.motion import MotionSettings
from training.synthesis.pulse_wave import make_truth
from training.webcam import webcam_clip

FRAMES = 160


@pytest.fixture(scope="module")
def preparer() -> Preparer:
    return Preparer("train", AstronautFace(), STORE, InputSpec(), frames=FRAMES)


@pytest.mark.parametrize(("fps", "jitter", "dropped"), [(30.0, 0.0, 0.0), (24.0, 0.2, 0.05)])
def test_more_blood_is_a_darker_crop_at_the_same_time(
    preparer: Preparer, fps: float, jitter: float, dropped: float
) -> None:
    recipe = small_recipe()
    camera = replace(recipe.camera, fps=fps, jitter=jitter, dropped=dropped)
    # Coders that look at the frame before carry changes on too late: up to 25 ms at low rates.
    codec = CodecSettings("mjpeg", "mkv", bits_per_pixel=2.0)
    still = MotionSettings("photograph", blink_hz=0)
    prepared = preparer.prepare(replace(recipe, camera=camera, codec=codec, motion=still))
    assert prepared is not None
    green = -prepared.rgb[:, 1, 10:26, 10:26].mean(axis=(1, 2))
    likeness = {
        shift: float(np.corrcoef(green[8 + shift : 152 + shift], prepared.ppg[8:152])[0, 1]) for shift in range(-4, 5)
    }
    assert max(likeness, key=likeness.__getitem__) == 0
    assert likeness[0] > 0.9


def test_the_metadata_make_the_clip_again(preparer: Preparer) -> None:
    recipe = small_recipe()
    prepared = preparer.prepare(recipe)
    assert prepared is not None
    truth = make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))
    assert prepared.meta["recipe"] == recipe.to_json()
    assert (prepared.meta["bpm"], prepared.meta["person"], prepared.meta["seed"]) == (truth.bpm, "astronaut", 7)
    assert prepared.rgb.shape == (FRAMES, 3, 36, 36)


def test_a_video_that_ends_too_early_is_left_out(preparer: Preparer) -> None:
    assert preparer.prepare(replace(small_recipe(), duration_s=5.0)) is None


def test_a_video_without_a_face_is_left_out(preparer: Preparer) -> None:
    recipe = small_recipe()
    hidden = replace(recipe.scene, face_height=0.05)
    assert preparer.prepare(replace(recipe, scene=hidden)) is None


def test_people_of_the_splits_never_meet() -> None:
    train, test = (Preparer(split, DrawnFaces(), STORE, InputSpec()) for split in ("train", "test"))
    assert not set(train.people) & set(test.people)
    assert train.recipe(0).scene.person in train.people
    assert train.recipe(0).duration_s > train.frames / 30


@pytest.mark.parametrize("kind", ["mix", "webcam"])
def test_the_command_fills_a_cache(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--clips", "1", "--frames", "160", "--jobs", "1"]
    main(["--out", str(tmp_path), "--kind", kind, *size, "--model-store", str(STORE)])
    folder = ClipFolder(tmp_path)
    addresses = folder.addresses()
    assert f"{len(addresses)} clips of 1 renders" in capsys.readouterr().out
    clip = folder.read(addresses[0])
    assert clip.rgb.shape == (FRAMES, 3, 36, 36)
    draw = {"mix": mix_clip, "webcam": webcam_clip}[kind]
    people = people_of("train", DrawnFaces().people)
    duration_s = json.loads(clip.meta["recipe"])["duration_s"]
    assert clip.meta["recipe"] == draw(clip.meta["seed"], people, duration_s).to_json()


def test_the_command_takes_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_own(tmp_path / "own" / "ann" / "1", make_take())
    write_own(tmp_path / "own" / "bob" / "1", heart())
    out = ["--out", str(tmp_path / "cache"), "--frames", "80", "--jobs", "1", "--model-store", str(STORE)]
    assert main([*out, "--dataset", "own", "--root", str(tmp_path / "own")]) == 0
    printed = capsys.readouterr().out
    assert "2 clips of 2 recordings" in printed
    assert "left out, 1 times: not_a_video in bob/1" in printed
    folder = ClipFolder(tmp_path / "cache", people=["own/ann"])
    first, second = (folder.read(address) for address in folder.addresses())
    assert second.meta["start_s"] == pytest.approx(first.meta["start_s"] + 80 / 30)
    assert {(clip.meta["recording"], clip.meta["fps"]) for clip in (first, second)} == {("ann/1", 30.0)}
    assert "agreed" in first.meta["licence"]


def test_the_command_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_own(tmp_path / "ann" / "1", heart())
    (tmp_path / "ann" / "1.csv").unlink()
    assert main(["--out", str(tmp_path / "cache"), "--dataset", "own", "--root", str(tmp_path)]) == 2
    assert "ann/1.csv" in capsys.readouterr().err


def test_a_data_set_needs_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--dataset", "pure"])
    assert "go together" in capsys.readouterr().err
