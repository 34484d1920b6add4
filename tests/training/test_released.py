import shutil
from pathlib import Path

import onnx
import pytest
import torch

from service.pipeline.manifest import ModelStore, file_sha256, read_manifest
from tests.training.moving_colours import write_clips
from training.checkpoint import RunInvalid, load_average
from training.clips import ClipFolder
from training.export import MODEL, parity
from training.models.common import PooledConv2d, PulseNet
from training.released import is_release, load_released
from training.train import main

RELEASED = ModelStore(Path(__file__).parents[2] / "model_store")
STUDENT = RELEASED.folder("student")


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("long"), 3, frames=240)


def in_training(net: PulseNet, clips: ClipFolder) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the samples of some clips in evaluation, and those by the norms of the batch."""
    rgb = torch.stack([torch.from_numpy(clips.read(address).rgb) for address in clips.addresses()])
    with torch.no_grad():
        return net.eval().clips(rgb)[0], net.train().clips(rgb)[0]


@pytest.mark.parametrize("name", ["student", "temporal"])
def test_a_released_network_comes_back_whole(long_clips: Path, name: str) -> None:
    net = load_released(RELEASED.folder(name), ClipFolder(long_clips))
    assert parity(net, RELEASED.folder(name) / MODEL, seed=3) < 1e-4


def test_its_norms_begin_where_the_clips_are(long_clips: Path) -> None:
    own, of_batch = in_training(*released_student(long_clips))
    assert torch.corrcoef(torch.stack([own.flatten(), of_batch.flatten()]))[0, 1] > 0.99
    assert of_batch.std() == pytest.approx(own.std().item(), rel=0.05)


def released_student(clips: Path) -> tuple[PulseNet, ClipFolder]:
    folder = ClipFolder(clips)
    return load_released(STUDENT, folder), folder


def test_pooled_weights_come_back() -> None:
    first, second = PooledConv2d(3, 5), PooledConv2d(3, 5)
    second.put_pooled(first.pooled_weight().detach())
    torch.testing.assert_close(second.weight, first.weight)


def test_training_goes_on_from_a_release(clips: Path, tmp_path: Path) -> None:
    arguments = ["student", "--clips", str(clips), "--steps", "1", "--batch", "2", "--lr", "1e-9"]
    assert main([*arguments, "--out", str(tmp_path / "on"), "--start", str(STUDENT)]) == 0
    net, config = load_average(tmp_path / "on")
    assert parity(net, STUDENT / MODEL) < 0.05
    assert config.start == STUDENT.name
    assert main([*arguments, "--out", str(tmp_path / "new")]) == 0
    assert parity(load_average(tmp_path / "new")[0], STUDENT / MODEL) > 0.05


def test_what_cannot_be_taken_apart_says_so(clips: Path) -> None:
    with pytest.raises(RunInvalid, match="cannot be taken apart"):
        load_released(RELEASED.folder("mobilenetv3"), ClipFolder(clips))


def test_what_is_no_network_says_so(clips: Path) -> None:
    with pytest.raises(RunInvalid, match="name of none of the networks"):
        load_released(RELEASED.folder("face"), ClipFolder(clips))


def changed_student(folder: Path, model: bytes) -> Path:
    """Return a version that is called student and holds another file, with the hash that belongs to it."""
    shutil.copytree(STUDENT, folder)
    (folder / MODEL).write_bytes(model)
    manifest = read_manifest(folder, check_hashes=False)
    manifest.model_copy(update={"files": {MODEL: file_sha256(folder / MODEL)}}).write(folder)
    return folder


def test_another_networks_file_says_so(clips: Path, tmp_path: Path) -> None:
    folder = changed_student(tmp_path / STUDENT.name, (RELEASED.folder("teacher") / MODEL).read_bytes())
    with pytest.raises(RunInvalid, match="not exported from today's student"):
        load_released(folder, ClipFolder(clips))


def test_another_function_of_the_same_numbers_says_so(clips: Path, tmp_path: Path) -> None:
    model = onnx.load(str(STUDENT / MODEL))
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type = "Tanh"
    folder = changed_student(tmp_path / STUDENT.name, model.SerializeToString())
    with pytest.raises(RunInvalid, match="does not compute"):
        load_released(folder, ClipFolder(clips))


def test_a_damaged_file_says_so(clips: Path, tmp_path: Path) -> None:
    shutil.copytree(STUDENT, tmp_path / STUDENT.name)
    data = bytearray((STUDENT / MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / STUDENT.name / MODEL).write_bytes(data)
    with pytest.raises(RunInvalid, match="differs from its manifest"):
        load_released(tmp_path / STUDENT.name, ClipFolder(clips))
    (tmp_path / STUDENT.name / "manifest.json").write_text("{")
    with pytest.raises(RunInvalid, match="cannot be read"):
        load_released(tmp_path / STUDENT.name, ClipFolder(clips))


def test_clips_shorter_than_the_networks_window_do(clips: Path) -> None:
    folder = RELEASED.folder("temporal")
    assert parity(load_released(folder, ClipFolder(clips)), folder / MODEL) < 1e-4


def test_without_a_clip_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["student", "--clips", str(tmp_path / "empty"), "--out", str(tmp_path / "run"), "--steps", "1"]
    assert main([*arguments, "--start", str(STUDENT)]) == 2
    assert "no clip yet" in capsys.readouterr().err


def test_it_is_the_same_each_time(clips: Path) -> None:
    first, second = (load_released(STUDENT, ClipFolder(clips)).state_dict() for _ in range(2))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-5, atol=1e-6)


def test_a_run_is_no_release(tmp_path: Path) -> None:
    assert is_release(STUDENT)
    assert not is_release(tmp_path)
