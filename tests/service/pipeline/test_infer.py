"""The same samples in one batch, in chunks and frame by frame; invalid pairs; models that are not what they say."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.errors import ManifestInvalid, ModelCorrupt
from service.pipeline.infer import OnnxPulseModel, comparable_pairs, fill_invalid
from service.pipeline.types import Calibration, Clip, Floats, Pulse
from tests.service.pipeline.tiny_models import write_green_model, write_window_model

CALIBRATION = Calibration(0.0, {})


def crops(frames: int) -> Floats:
    return np.random.default_rng(0).random((frames, 3, 36, 36), np.float32)


def run(model: OnnxPulseModel, rgb: Floats, chunk: int, broken_at: int = -1) -> Pulse:
    stream = model.stream()
    comparable = np.arange(len(rgb)) != broken_at
    for start in range(0, len(rgb), chunk):
        part = slice(start, start + chunk)
        stream.push(Clip(rgb[part], comparable[part], 2.0 + start / 30, 30.0))
    return stream.finish()


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
def test_samples_do_not_depend_on_the_cuts(tmp_path: Path, lag: int, chunk: int) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=lag), default_calibration=CALIBRATION)
    rgb = crops(40)
    whole, parts = run(model, rgb, 40), run(model, rgb, chunk)
    np.testing.assert_allclose(parts.samples, whole.samples, atol=1e-6)
    assert len(whole.samples) == 40 - lag
    assert parts.start_s == whole.start_s == pytest.approx(2.0 + lag / 60)


def test_samples_are_what_the_model_computes(tmp_path: Path) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=3), default_calibration=CALIBRATION)
    rgb = crops(10)
    green = rgb[:, 1].mean(axis=(1, 2))
    np.testing.assert_allclose(run(model, rgb, 4).samples, green[3:] - green[:-3], atol=1e-6)


@pytest.mark.parametrize("chunk", [1, 5, 40])
def test_a_pair_across_a_break_is_filled_and_marked(tmp_path: Path, chunk: int) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=3), default_calibration=CALIBRATION)
    rgb = crops(40)
    rgb[20:] += 5
    pulse = run(model, rgb, chunk, broken_at=20)
    assert np.flatnonzero(~pulse.valid).tolist() == [17, 18, 19]
    assert np.abs(pulse.samples).max() < 1


@pytest.mark.parametrize("forgotten", [0, 10, 36, 37])
def test_pairs_forget_what_is_past(tmp_path: Path, forgotten: int) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=3), default_calibration=CALIBRATION)
    rgb = crops(60)
    stream = model.stream()
    stream.push(Clip(rgb[:40], np.arange(40) != 20, 2.0, 30.0))
    stream.forget(forgotten)
    stream.push(Clip(rgb[40:], np.ones(20, np.bool_), 2.0 + 40 / 30, 30.0))
    pulse, whole = stream.finish(), run(model, rgb, 60, broken_at=20)
    assert pulse.valid.tolist() == whole.valid[forgotten:].tolist()
    np.testing.assert_allclose(pulse.samples[pulse.valid], whole.samples[forgotten:][pulse.valid], atol=1e-6)
    assert pulse.start_s == pytest.approx(whole.start_s + forgotten / 30)


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_too_few_frames_give_no_samples(tmp_path: Path, frames: int) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=3), default_calibration=CALIBRATION)
    pulse = run(model, crops(frames), 64)
    assert len(pulse.samples) == len(pulse.valid) == 0


def windowed(folder: Path) -> OnnxPulseModel:
    return OnnxPulseModel(write_window_model(folder, past=4, future=2), default_calibration=CALIBRATION)


def window_means(green: Floats) -> Floats:
    padded = np.concatenate([np.repeat(green[:1], 4), green, np.repeat(green[-1:], 2)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 7).mean(axis=1), np.float32)


@pytest.mark.parametrize("chunk", [1, 7, 64, 300, 700])
def test_a_window_gives_each_frame_a_sample_wherever_the_video_is_cut(tmp_path: Path, chunk: int) -> None:
    rgb = crops(700)
    pulse = run(windowed(tmp_path), rgb, chunk)
    np.testing.assert_allclose(pulse.samples, window_means(rgb[:, 1].mean(axis=(1, 2))), atol=1e-6)
    assert pulse.valid.all()
    assert (pulse.kind, pulse.start_s) == ("wave", 2.0)


@pytest.mark.parametrize("chunk", [1, 64, 700])
def test_a_window_never_reaches_across_a_break(tmp_path: Path, chunk: int) -> None:
    rgb = crops(700)
    rgb[330:] += 5
    green = rgb[:, 1].mean(axis=(1, 2))
    pulse = run(windowed(tmp_path), rgb, chunk, broken_at=330)
    expected = np.concatenate([window_means(green[:330]), window_means(green[330:])])
    np.testing.assert_allclose(pulse.samples, expected, atol=1e-5)
    assert pulse.valid.all()


def test_a_piece_of_less_than_a_second_says_nothing(tmp_path: Path) -> None:
    pulse = run(windowed(tmp_path), crops(100), 64, broken_at=80)
    assert np.flatnonzero(~pulse.valid).tolist() == list(range(80, 100))


def counting(model: OnnxPulseModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which each run of the model will add the number of its frames."""
    frames_run, run_it = list[int](), model.run

    def counted(rgb: Floats) -> Floats:
        frames_run.append(len(rgb))
        return run_it(rgb)

    monkeypatch.setattr(model, "run", counted)
    return frames_run


def test_who_asks_every_second_pays_for_new_frames_and_one_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = windowed(tmp_path)
    frames_run, stream = counting(model, monkeypatch), model.stream()
    for start in range(0, 600, 30):
        stream.push(Clip(crops(30), np.ones(30, np.bool_), start / 30, 30.0))
        stream.finish()
    assert max(frames_run) == 30 + 6 + 2
    assert len(frames_run) == 20


def test_frames_that_come_too_slowly_cost_no_window_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = windowed(tmp_path)
    frames_run, stream = counting(model, monkeypatch), model.stream()
    for start in range(0, 600, 30):
        stream.push(Clip(crops(30), np.arange(30) % 8 != 0, start / 30, 30.0))
        assert not stream.finish().valid.any()
    assert sum(frames_run) == 0


def test_windows_can_be_finished_again_and_again(tmp_path: Path) -> None:
    model, rgb = windowed(tmp_path), crops(600)
    stream = model.stream()
    for start in range(0, 600, 50):
        stream.push(Clip(rgb[start : start + 50], np.ones(50, np.bool_), start / 30, 30.0))
        assert len(stream.finish().samples) == start + 50
    np.testing.assert_allclose(stream.finish().samples, run(model, rgb, 600).samples, atol=1e-6)


def test_a_window_begins_with_its_first_frame_whatever_was_asked_before(tmp_path: Path) -> None:
    stream = windowed(tmp_path).stream()
    assert len(stream.finish().samples) == 0
    stream.forget(0)
    stream.push(Clip(crops(60), np.ones(60, np.bool_), 100.0, 30.0))
    assert stream.finish().start_s == 100.0


@pytest.mark.parametrize("forgotten", [10, 280, 590])
def test_windows_forget_what_is_past(tmp_path: Path, forgotten: int) -> None:
    model, rgb = windowed(tmp_path), crops(700)
    stream = model.stream()
    stream.push(Clip(rgb[:600], np.arange(600) != 5, 2.0, 30.0))
    stream.forget(forgotten)
    stream.push(Clip(rgb[600:], np.ones(100, np.bool_), 22.0, 30.0))
    pulse, whole = stream.finish(), run(model, rgb, 700, broken_at=5)
    np.testing.assert_allclose(pulse.samples, whole.samples[forgotten:], atol=1e-6)
    assert pulse.valid.tolist() == whole.valid[forgotten:].tolist()
    assert pulse.start_s == pytest.approx(2.0 + forgotten / 30)


@pytest.mark.parametrize("past", [3, 5])
def test_a_lag_that_is_not_its_windows_is_refused(tmp_path: Path, past: int) -> None:
    folder = write_window_model(tmp_path, past=4, future=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["input"]["past"] = past
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestInvalid):
        OnnxPulseModel(folder, default_calibration=CALIBRATION)


def test_pairs_need_every_frame_between_them() -> None:
    comparable = np.array([False, True, True, False, True, True])
    assert comparable_pairs(comparable, 1).tolist() == [True, True, False, True, True]
    assert comparable_pairs(comparable, 3).tolist() == [False, False, False]


def test_nothing_valid_fills_with_zeros() -> None:
    assert fill_invalid(np.array([1, np.nan], np.float32), np.zeros(2, np.bool_)).tolist() == [0, 0]


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelCorrupt):
        OnnxPulseModel(folder, default_calibration=CALIBRATION)


def test_an_output_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="inputs or outputs"):
        OnnxPulseModel(write_green_model(tmp_path, output="other"), default_calibration=CALIBRATION)


@pytest.mark.parametrize(("field", "value", "what"), [("size", 72, "crops"), ("lag", 3, "samples")])
def test_an_input_of_another_make_is_refused(tmp_path: Path, field: str, value: int, what: str) -> None:
    folder = write_green_model(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["input"][field] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelCorrupt, match=what):
        OnnxPulseModel(folder, default_calibration=CALIBRATION)


def test_a_manifest_without_input_is_refused(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["kind"] = "face"
    del manifest["input"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestInvalid):
        OnnxPulseModel(folder, default_calibration=CALIBRATION)
