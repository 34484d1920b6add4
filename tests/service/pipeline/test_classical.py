import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from service.pipeline import classical
from service.pipeline.classical import CALIBRATIONS, CLASSICAL, METHODS, joined, skin_colour
from service.pipeline.pulse import DEFAULT_CALIBRATION, QUALITY_FEATURES, heart_rate
from service.pipeline.types import Clip, Floats, InputSpec, ModelInfo, Pulse
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, pulse_wave, times

FPS = 30.0
SKIN = np.array([0.7, 0.5, 0.4])
BLOOD = np.array([0.33, 0.77, 0.53])  # de Haan & van Leest 2014: how much each channel darkens with blood


def skin(wave: Array, *, light: Array | float = 0.0, noise: float = 1e-4) -> Array:
    """Mean colour (T, 3) of skin with a pulse of 1 %, lit by 1 + light."""
    lit = SKIN * (1 - 0.01 * wave[:, None] * BLOOD) * (1 + np.broadcast_to(light, wave.shape))[:, None]
    return np.asarray(lit + noise * np.random.default_rng(0).standard_normal(lit.shape))


def flicker(duration_s: float) -> Array:
    """Light that changes rhythmically at 114 per minute, and slowly, five times as much as the pulse does."""
    t = times(duration_s, FPS)
    return np.asarray(0.05 * np.sin(2 * np.pi * 1.9 * t) + 0.02 * coloured_noise(len(t), 1, seed=2))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bpm", [45, 72, 130, 200])
@pytest.mark.parametrize("duration_s", [10, 40])
def test_every_method_finds_the_pulse(method: str, bpm: float, duration_s: float) -> None:
    wave = pulse_wave(bpm, duration_s, FPS)
    result = heart_rate(as_pulse(METHODS[method](skin(wave), FPS), FPS))
    assert abs(result.bpm - bpm) < 0.5
    assert result.confidence > 0.8


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("duration_s", [10, 40])
def test_up_is_more_blood(method: str, duration_s: float) -> None:
    wave = pulse_wave(72, duration_s, FPS)
    assert np.corrcoef(heart_rate(as_pulse(METHODS[method](skin(wave), FPS), FPS)).bvp, wave)[0, 1] > 0.9


@pytest.mark.parametrize("method", ["ica", "lgi", "chrom", "pos"])
@pytest.mark.parametrize("bpm", [50, 72, 150])
def test_rhythmic_light_is_cancelled_by_all_but_green_and_pca(method: str, bpm: float) -> None:
    traces = skin(pulse_wave(bpm, 20, FPS), light=flicker(20))
    assert abs(heart_rate(as_pulse(METHODS[method](traces, FPS), FPS)).bpm - bpm) < 0.5
    assert abs(heart_rate(as_pulse(METHODS["green"](traces, FPS), FPS)).bpm - 114) < 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fps", [15.0, 29.97, 60.0])
def test_any_frame_rate(method: str, fps: float) -> None:
    wave = pulse_wave(80, 12, fps)
    result = heart_rate(as_pulse(METHODS[method](skin(wave), fps), fps))
    assert abs(result.bpm - 80) < 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frames", [1, 2, 3, 5, 20, 47, 48, 49, 97])
def test_any_length(method: str, frames: int) -> None:
    wave = METHODS[method](skin(np.random.default_rng(frames).standard_normal(frames)), FPS)
    assert wave.shape == (frames,)
    assert np.isfinite(wave).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_still_picture_has_no_pulse(method: str, value: float) -> None:
    result = heart_rate(as_pulse(METHODS[method](np.full((400, 3), value), FPS), FPS))
    assert result.status == "low_quality"
    assert result.confidence < 0.01


def test_green_is_the_fall_of_green() -> None:
    traces = skin(pulse_wave(72, 10, FPS))
    assert classical.green(traces, FPS) == pytest.approx(1 - traces[:, 1] / traces[:, 1].mean())


def test_pos_is_the_papers_algorithm() -> None:
    traces = skin(pulse_wave(72, 5, FPS), light=flicker(5))
    projection = np.array([[0, 1, -1], [-2, 1, 1]])
    wave = np.zeros(150)
    for end in range(48, 151):  # 48 frames are 1.6 s
        window = traces[end - 48 : end]
        s = projection @ (window / window.mean(axis=0)).T
        h = s[0] + s[0].std() / s[1].std() * s[1]
        wave[end - 48 : end] += h - h.mean()
    assert classical.pos(traces, FPS) == pytest.approx(-wave)


def test_pos_is_the_same_over_the_seam_of_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = skin(pulse_wave(72, 10, FPS))
    whole = classical.pos(traces, FPS)
    monkeypatch.setattr(classical, "_BLOCK", 37)
    assert classical.pos(traces, FPS) == pytest.approx(whole, abs=1e-12)


def test_chrom_projects_a_pure_pulse_as_the_formula_says() -> None:
    wave = np.sin(2 * np.pi * 1.25 * times(20, FPS))  # 1.25 Hz: two beats in each window of 1.6 s
    x, y = 3 * BLOOD[0] - 2 * BLOOD[1], 1.5 * BLOOD[0] + BLOOD[1] - 1.5 * BLOOD[2]
    expected = -0.01 * (x - abs(x / y) * y) * wave  # std X / std Y is |x / y|; reflection falls by 1 %
    got = classical.chrom(skin(wave, noise=0.0), FPS)[100:-100]
    assert got == pytest.approx(expected[100:-100], abs=5e-4)


def test_chrom_cancels_white_specular_light() -> None:
    wave, t = pulse_wave(72, 20, FPS), times(20, FPS)
    mirror = 0.01 * np.sin(2 * np.pi * 1.9 * t)[:, None]  # the same in all channels of white light
    traces = skin(wave) / SKIN * np.array([0.7682, 0.5121, 0.3841])  # the paper's standard skin tone
    assert abs(heart_rate(as_pulse(classical.chrom(traces + mirror, FPS), FPS)).bpm - 72) < 0.5


def crops(traces: Array) -> Floats:
    """Crops (T, 3, 36, 36) whose skin has these colours, on a background that flickers."""
    rng = np.random.default_rng(3)
    rgb = np.broadcast_to(rng.random((len(traces), 3, 1, 1)), (len(traces), 3, 36, 36)).copy()
    rgb[:, :, 7:29, 8:28] = traces[:, :, None, None]
    return rgb.astype(np.float32)


def run(method: str, clips: list[Clip]) -> Pulse:
    stream = CLASSICAL[method]().stream()
    for clip in clips:
        stream.push(clip)
    return stream.finish()


def cut(rgb: Floats, comparable: np.ndarray, at: list[int]) -> list[Clip]:
    edges = [0, *at, len(rgb)]
    return [Clip(rgb[a:b], comparable[a:b], 2 + a / FPS, FPS) for a, b in pairwise(edges)]


@pytest.mark.parametrize("method", METHODS)
def test_the_cut_into_clips_changes_nothing(method: str) -> None:
    rgb = crops(skin(pulse_wave(72, 12, FPS)))
    comparable = np.ones(len(rgb), bool)
    comparable[[0, 100, 200]] = False
    whole = run(method, cut(rgb, comparable, []))
    for at in ([1], [99, 100, 101], [30, 31, 250], list(range(1, len(rgb)))):
        pieces = run(method, cut(rgb, comparable, at))
        assert np.array_equal(pieces.samples, whole.samples)
        assert np.array_equal(pieces.valid, whole.valid)
        assert pieces.start_s == whole.start_s


@pytest.mark.parametrize("method", METHODS)
def test_one_sample_for_each_frame_pair(method: str) -> None:
    rgb = crops(skin(pulse_wave(72, 12, FPS)))
    comparable = np.ones(360, bool)
    comparable[[0, 100]] = False
    pulse = run(method, cut(rgb, comparable, []))
    assert pulse.samples.shape == (359,)
    assert pulse.samples.dtype == np.float32
    assert np.flatnonzero(~pulse.valid).tolist() == [99]
    assert pulse.start_s == pytest.approx(2 + 1 / FPS)
    assert (pulse.kind, pulse.fps) == ("wave", FPS)
    assert abs(heart_rate(pulse).bpm - 72) < 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frames", [0, 1, 2, 10])
def test_few_frames_are_no_error(method: str, frames: int) -> None:
    rgb = crops(skin(np.zeros(frames))) if frames else np.zeros((0, 3, 36, 36), np.float32)
    pulse = run(method, [Clip(rgb, np.ones(frames, bool), 0.0, FPS)] if frames else [])
    assert len(pulse.samples) == len(pulse.valid) == max(frames - 1, 0)


@pytest.mark.parametrize("method", METHODS)
def test_a_move_of_the_crop_is_no_step(method: str) -> None:
    traces = skin(pulse_wave(72, 12, FPS))
    comparable = np.ones(360, bool)
    for frame, change in ((100, (1.3, 1.1, 0.9)), (222, (0.8, 0.85, 0.7))):
        traces[frame:] *= change
        comparable[frame] = False
    result = heart_rate(run(method, cut(crops(traces), comparable, [])))
    assert abs(result.bpm - 72) < 0.5
    assert result.confidence > 0.8


def test_joining_undoes_a_change_of_colour() -> None:
    traces = skin(pulse_wave(72, 12, FPS), noise=0.0)
    moved, comparable = traces.copy(), np.ones(359, bool)
    moved[200:] *= (1.3, 0.9, 0.8)
    comparable[199] = False
    assert joined(moved, comparable) == pytest.approx(traces, rel=1e-3)


def test_joining_changes_nothing_where_nothing_moved() -> None:
    traces = skin(pulse_wave(72, 5, FPS))
    assert np.array_equal(joined(traces, np.ones(149, bool)), traces)


def test_skin_is_the_middle_of_the_crop() -> None:
    rgb = np.zeros((2, 3, 36, 36), np.float32)
    rgb[:, :, 8:28, 10:26] = np.array([0.25, 0.5, 0.75])[:, None, None]
    assert skin_colour(rgb) == pytest.approx(np.tile([0.25, 0.5, 0.75], (2, 1)), abs=1e-6)


def test_the_models_say_who_they_are() -> None:
    assert tuple(CLASSICAL) == ("green", "ica", "pca", "lgi", "chrom", "pos")
    for name, make in CLASSICAL.items():
        model = make()
        assert model.info == ModelInfo(name, "1.0.0", "")
        assert model.input == InputSpec(size=36, fps=30.0, lag=1)


def test_each_method_has_a_calibration_of_its_own() -> None:
    fits = [make().calibration for make in CLASSICAL.values()]
    assert len({fit.bias for fit in fits}) == len(fits)
    assert DEFAULT_CALIBRATION not in fits


def test_a_stream_forgets_what_is_past() -> None:
    rgb, comparable = crops(skin(pulse_wave(72, 12, FPS))), np.ones(360, bool)
    comparable[200] = False
    stream = CLASSICAL["green"]().stream()
    stream.forget(5)
    for clip in cut(rgb, comparable, [100]):
        stream.push(clip)
    stream.forget(150)
    pulse, whole = stream.finish(), run("green", cut(rgb, comparable, []))
    assert len(pulse.samples) == 359 - 150
    assert pulse.start_s == pytest.approx(whole.start_s + 150 / FPS)
    assert np.flatnonzero(~pulse.valid).tolist() == [49]
    assert np.corrcoef(pulse.samples, whole.samples[150:])[0, 1] > 0.99


def test_a_stream_keeps_no_crops() -> None:
    clip = Clip(np.full((30, 3, 36, 36), 0.5, np.float32), np.ones(30, bool), 0.0, FPS)
    stream = CLASSICAL["pos"]().stream()
    stream.push(clip)
    tracemalloc.start()
    for _ in range(200):
        stream.push(clip)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 6000 * 64  # one frame's crop has 15552 bytes


def test_every_weight_is_that_of_a_feature() -> None:
    assert all(tuple(each.weights) == QUALITY_FEATURES for each in CALIBRATIONS.values())
