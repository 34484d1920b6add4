"""Variants in fewer bits of networks that have learned nothing, on clips of blinking colours."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from service.pipeline.infer import OnnxPulseModel
from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET, file_sha256
from service.pipeline.pulse import DEFAULT_CALIBRATION
from tests.service.pipeline.tiny_models import write_active
from tests.training.moving_colours import write_clips
from tests.training.test_tables import rows
from training.clips import ClipFolder, TrainingClip
from training.config import TrainConfig
from training.export import Release, write_version
from training.models import MODELS
from training.quantise import VARIANTS, Trial, main, make_variant, measure_bpm

FRAMES = 240


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("cache"), 4, frames=FRAMES)


@pytest.fixture(scope="module")
def clips(cache: Path) -> list[TrainingClip]:
    folder = ClipFolder(cache)
    return [folder.read(address) for address in folder.addresses()]


@pytest.fixture(scope="module", params=["student", "temporal"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a network of pairs, and of one of windows."""
    torch.manual_seed(0)
    name = request.param
    folder, net = tmp_path_factory.mktemp("store") / f"{name}-1.0.0", MODELS[name]()
    with torch.no_grad():  # norms that have seen something
        net.train()(torch.rand(1, 3, 36, 36) + 0.01 * torch.randn(net.lag + 11, 3, 36, 36))
    write_version(folder, net.eval(), TrainConfig(name, 1), Release(name, "1.0.0", "nothing"), {})
    return folder


def open_model(folder: Path) -> OnnxPulseModel:
    return OnnxPulseModel(folder, default_calibration=DEFAULT_CALIBRATION)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_smaller_and_says_nearly_the_same(
    name: str, full: Path, clips: list[TrainingClip], tmp_path: Path
) -> None:
    folder = make_variant(full, tmp_path, VARIANTS[name], [clip.rgb for clip in clips[:2]])
    assert (folder / "model.onnx").stat().st_size < 0.75 * (full / "model.onnx").stat().st_size
    ours, theirs = (open_model(each).run(clips[3].rgb) for each in (folder, full))
    assert 0 < np.abs(ours - theirs).max() < 0.25 * np.abs(theirs).max()


@pytest.mark.parametrize("name", VARIANTS)
def test_old_runtimes_load_it(name: str, full: Path, clips: list[TrainingClip], tmp_path: Path) -> None:
    folder = make_variant(full, tmp_path, VARIANTS[name], [clips[0].rgb])
    model = onnx.load(str(folder / "model.onnx"))
    assert model.ir_version <= MAX_IR_VERSION
    used = {node.domain for node in model.graph.node}
    assert used == {""}
    assert all(opset.version <= MAX_OPSET for opset in model.opset_import if opset.domain in used)


@pytest.mark.parametrize(
    ("bpm_mae", "ms", "kept"),
    [(5.0, 0.5, True), (5.1, 0.5, True), (5.2, 0.5, False), (4.0, 0.95, False), (5.0, 1.5, False)],
)
def test_worth_keeping_is_what_is_faster_and_no_worse(bpm_mae: float, ms: float, kept: bool) -> None:
    assert Trial(bpm_mae, 0.5, ms, 10).worth_keeping(Trial(5.0, 0.5, 1.0, 20)) == kept


def test_a_clips_rate_is_found_by_a_model_of_windows_and_of_pairs(full: Path, clips: list[TrainingClip]) -> None:
    assert 42 <= measure_bpm(open_model(full), clips[0]) <= 240


def test_clips_too_short_for_a_window_set_no_ranges(
    full: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clips(tmp_path / "ranges", 2, frames=20, seed=1)
    write_clips(tmp_path / "ranges", 2, frames=FRAMES, seed=2)
    name = compare(full, cache, tmp_path / "ranges", tmp_path / "out")
    assert f"{name}, 4 clips" in capsys.readouterr().out


def compare(full: Path, clips: Path, ranges: Path, out: Path) -> str:
    """Run the command on the model in a folder and return its name."""
    name = full.name.split("-", maxsplit=1)[0]
    write_active(full.parent, name, [name])
    store = ["--model-store", str(full.parent), "--out", str(out)]
    main([name, "--clips", str(clips), "--ranges", str(ranges), *store])
    return name


def test_the_command_compares_and_leaves_the_store(
    full: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file_sha256(full / "model.onnx")
    name = compare(full, cache, cache, tmp_path)
    said = capsys.readouterr().out
    assert f"{name}, 4 clips" in said
    assert [row[0] for row in rows(said[said.index("| variant") :])[2:]] == ["float32", *VARIANTS]
    assert file_sha256(full / "model.onnx") == before
