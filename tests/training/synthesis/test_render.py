from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.synthesis.clips import STEADY, decoded, face_means, frames_of, peak_bpm, plain_recipe
from training.synthesis.camera import CameraSettings
from training.synthesis.codec import CodecSettings
from training.synthesis.faces import AstronautFace, DrawnFaces
from training.synthesis.light import LightSettings
from training.synthesis.motion import MotionSettings
from training.synthesis.pulse_wave import make_truth
from training.synthesis.recipe import Recipe, SceneSettings, sample_recipe
from training.synthesis.relief import PULSE_RGB
from training.synthesis.render import Truth, render

CLEAN = replace(plain_recipe().camera, noise=0.6)


def _truth(recipe: Recipe) -> Truth:
    return make_truth(recipe.pulse, recipe.duration_s, recipe.rng("pulse"))


def _swing(recipe: Recipe) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """How far each channel follows the wave, relative to its mean."""
    truth = _truth(recipe)
    times_s, pictures = frames_of(recipe, truth)
    means = face_means(pictures)
    wave = np.interp(times_s, truth.times_s, truth.ppg)
    slopes = np.polynomial.polynomial.polyfit(wave, means / means.mean(0), 1)[1]
    return np.asarray(-slopes)


@pytest.mark.parametrize("bpm", [50.0, 84.0, 170.0])
def test_green_of_a_still_face_has_the_hearts_rate(tmp_path: Path, bpm: float) -> None:
    recipe = plain_recipe(pulse=replace(STEADY, hr_bpm=bpm), camera=CLEAN, duration_s=6.0)
    truth = render(recipe, AstronautFace(), tmp_path / "clip.mp4")
    _, pictures = decoded(tmp_path / "clip.mp4")
    assert peak_bpm(face_means(pictures)[:, 1], 30.0) == pytest.approx(truth.bpm, abs=1)


def test_more_blood_is_darker_by_the_pulse_vector() -> None:
    swing = np.mean([_swing(plain_recipe(camera=CLEAN, seed=seed, duration_s=4.0)) for seed in range(6)], 0)
    assert np.all(swing > 0)
    np.testing.assert_allclose(swing / swing[1], PULSE_RGB, rtol=0.12)


def test_strength_is_the_swing_of_green() -> None:
    swing = _swing(plain_recipe(camera=CLEAN, duration_s=4.0))[1]
    assert 0.4 * STEADY.strength < swing < 1.3 * STEADY.strength


def test_without_a_pulse_there_is_no_peak_at_a_heart_rate() -> None:
    with_pulse, without = (
        face_means(frames_of(recipe, _truth(recipe))[1])[:, 1]
        for recipe in (plain_recipe(camera=CLEAN, pulse=replace(STEADY, strength=size)) for size in (0.02, 0.0))
    )
    assert without.std() < 0.05 * with_pulse.std()


def test_the_background_has_no_pulse() -> None:
    recipe = plain_recipe(camera=CLEAN)
    _, pictures = frames_of(recipe, _truth(recipe))
    corner = pictures[:, :40, :40].mean((1, 2, 3), dtype=np.float64)
    assert corner.std() / corner.mean() < 5e-4


def test_the_same_recipe_gives_the_same_file(tmp_path: Path) -> None:
    recipe = replace(sample_recipe(4, ["drawn_001"], duration_s=2.0), codec=CodecSettings())
    truths = [render(recipe, DrawnFaces(), tmp_path / name) for name in ("a", "b")]
    np.testing.assert_array_equal(truths[0].ppg, truths[1].ppg)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_recipe_from_json_gives_the_same_frames() -> None:
    recipe = plain_recipe(duration_s=0.5, motion=MotionSettings("sway"))
    again = Recipe.from_json(recipe.to_json())
    np.testing.assert_array_equal(frames_of(recipe, _truth(recipe))[1], frames_of(again, _truth(again))[1])


@pytest.mark.parametrize("seed", range(6))
def test_the_mix_renders_and_decodes(tmp_path: Path, seed: int) -> None:
    recipe = sample_recipe(seed, DrawnFaces().people, duration_s=1.0)
    truth = render(recipe, DrawnFaces(), tmp_path / "clip")
    times_s, pictures = decoded(tmp_path / "clip")
    assert pictures.shape[1:] == (recipe.camera.height, recipe.camera.width, 3)
    assert 0 < times_s[-1] <= truth.times_s[-1]
    assert pictures.std() > 3


def test_jittered_times_reach_the_file(tmp_path: Path) -> None:
    camera = CameraSettings(width=320, height=240, fps=20, jitter=0.2, dropped=0.1)
    recipe = plain_recipe(camera=camera, duration_s=2.0)
    render(recipe, AstronautFace(), tmp_path / "clip.mp4")
    seen_s, _ = decoded(tmp_path / "clip.mp4")
    drawn_s, _ = frames_of(recipe, _truth(recipe))
    np.testing.assert_allclose(seen_s, drawn_s, atol=1e-4)


def test_heads_that_turn_change_the_picture_more() -> None:
    def change(kind: str) -> float:
        recipe = plain_recipe(duration_s=3.0, motion=MotionSettings(kind, strength=1.0, blink_hz=0))
        pictures = frames_of(recipe, _truth(recipe))[1][::10].astype(float)
        return float(np.abs(pictures - pictures[0]).mean())

    assert change("photograph") < change("still") < change("turning")


def test_flicker_runs_down_the_picture() -> None:
    light = LightSettings(flicker=0.03, flicker_hz=3.0, flicker_bands=1.0)
    recipe = plain_recipe(light=light, pulse=replace(STEADY, strength=0.0), duration_s=4.0)
    pictures = frames_of(recipe, _truth(recipe))[1][:, :, :40].mean((2, 3), dtype=np.float64)
    top, middle = pictures[:, 10], pictures[:, 130]
    assert peak_bpm(top, 30.0) == pytest.approx(180, abs=3)
    assert np.corrcoef(top, middle)[0, 1] < -0.8


def test_mirrored_faces_look_the_other_way() -> None:
    plain, mirrored = (
        frames_of(recipe, _truth(recipe))[1][0]
        for recipe in (
            plain_recipe(duration_s=0.2, scene=SceneSettings("astronaut", face_height=0.5, mirrored=flag))
            for flag in (False, True)
        )
    )
    assert np.abs(plain[60:200, 100:220].astype(float) - mirrored[60:200, 100:220]).mean() > 5


def test_an_unknown_person_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        render(plain_recipe(), DrawnFaces(), tmp_path / "clip.mp4")
