"""The same samples in one batch, in chunks and frame by frame; invalid pairs; models that are not what they say."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.errors import ManifestInvalid, ModelCorrupt
from service.pipeline.infer import OnnxPulseModel, comparable_pairs, fill_invalid
from service.pipeline.types import Calibration, Clip, Floats, Pulse
from tests.service.pipeline.tiny_models import write_green_model

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


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_too_few_frames_give_no_samples(tmp_path: Path, frames: int) -> None:
    model = OnnxPulseModel(write_green_model(tmp_path, lag=3), default_calibration=CALIBRATION)
    pulse = run(model, crops(frames), 64)
    assert len(pulse.samples) == len(pulse.valid) == 0


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
