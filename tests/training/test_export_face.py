import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET, ModelStore, file_sha256, read_manifest
from service.pipeline.session import Session
from training.export_face import (
    LICENCE_IN_WHEEL,
    NETS,
    ONET,
    PARITY,
    PNET,
    RNET,
    CascadeNet,
    NetPlan,
    ParametricRelu,
    export_face,
    export_net,
    load_net,
    main,
    parity,
)

RELEASED = Path(__file__).parents[2] / "model_store" / "face-1.0.0"


def random_weights(plan: NetPlan) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    shapes = {name: value.shape for name, value in CascadeNet(plan).state_dict().items()}
    return {name: torch.randn(shape, generator=generator) * 0.1 for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel like facenet-pytorch's with random weights, and the landmark head that nothing uses."""
    path = tmp_path_factory.mktemp("wheel") / "facenet_pytorch.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for plan in NETS:
            buffer = io.BytesIO()
            torch.save({**random_weights(plan), "dense6_3.weight": torch.zeros(10, 256)}, buffer)
            archive.writestr(f"facenet_pytorch/data/{plan.name}.pt", buffer.getvalue())
        archive.writestr(LICENCE_IN_WHEEL, "MIT License")
    return path


def prelu(x: Tensor, weights: dict[str, Tensor], number: int) -> Tensor:
    return functional.prelu(x, weights[f"prelu{number}.weight"])


def conv(x: Tensor, weights: dict[str, Tensor], number: int) -> Tensor:
    x = functional.conv2d(x, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"])
    return prelu(x, weights, number)


def test_parametric_relu_is_prelu() -> None:
    ours = ParametricRelu(4)
    with torch.no_grad():
        ours.weight.copy_(torch.tensor([-0.5, 0.0, 0.3, 1.2]))
        x = torch.randn(3, 4, 5, 6)
        torch.testing.assert_close(ours(x), functional.prelu(x, ours.weight))


def test_pnet_is_the_paper_s(wheel: Path) -> None:
    weights, rgb = random_weights(PNET), torch.rand(1, 3, 31, 40)
    x = functional.max_pool2d(conv(rgb * 255 / 128 - 127.5 / 128, weights, 1), 2, 2, ceil_mode=True)
    x = conv(conv(x, weights, 2), weights, 3)
    score = functional.conv2d(x, weights["conv4_1.weight"], weights["conv4_1.bias"]).softmax(1)[:, 1]
    shift = functional.conv2d(x, weights["conv4_2.weight"], weights["conv4_2.bias"])
    with torch.no_grad():
        torch.testing.assert_close(load_net(wheel, PNET)(rgb), (shift, score))


def test_rnet_flattens_columns_before_rows(wheel: Path) -> None:
    weights, rgb = random_weights(RNET), torch.rand(2, 3, 24, 24)
    x = functional.max_pool2d(conv(rgb * 255 / 128 - 127.5 / 128, weights, 1), 3, 2, ceil_mode=True)
    x = conv(functional.max_pool2d(conv(x, weights, 2), 3, 2, ceil_mode=True), weights, 3)
    flat = torch.stack([x[:, c, row, col] for col in range(3) for row in range(3) for c in range(64)], dim=1)
    x = prelu(functional.linear(flat, weights["dense4.weight"], weights["dense4.bias"]), weights, 4)
    shift = functional.linear(x, weights["dense5_2.weight"], weights["dense5_2.bias"])
    with torch.no_grad():
        torch.testing.assert_close(load_net(wheel, RNET)(rgb)[0], shift)


@pytest.mark.parametrize("plan", NETS, ids=lambda plan: plan.name)
def test_the_exported_graph_equals_torch(plan: NetPlan, wheel: Path, tmp_path: Path) -> None:
    net = load_net(wheel, plan)
    export_net(net, plan, tmp_path / "net.onnx")
    assert parity(net, plan, tmp_path / "net.onnx") <= PARITY


@pytest.mark.parametrize("plan", NETS, ids=lambda plan: plan.name)
def test_released_graphs_are_old_enough_for_old_runtimes(plan: NetPlan) -> None:
    model = onnx.load(str(RELEASED / f"{plan.name}.onnx"))
    assert model.ir_version <= MAX_IR_VERSION
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", MAX_OPSET)]


@pytest.mark.parametrize("plan", NETS, ids=lambda plan: plan.name)
def test_released_graphs_have_named_inputs_and_outputs(plan: NetPlan) -> None:
    session = Session(RELEASED / f"{plan.name}.onnx")
    assert session.inputs == ("rgb",)
    assert session.outputs == ("shift", "score")


@pytest.mark.parametrize("plan", [RNET, ONET], ids=lambda plan: plan.name)
def test_a_batch_gives_what_single_pictures_give(plan: NetPlan) -> None:
    session = Session(RELEASED / f"{plan.name}.onnx")
    rgb = np.random.default_rng(2).random((5, 3, plan.size, plan.size), dtype=np.float32)
    singles = [session(rgb=rgb[index : index + 1])[0] for index in range(5)]
    np.testing.assert_allclose(session(rgb=rgb)[0], np.concatenate(singles), atol=1e-5)


def test_the_released_manifest_is_true() -> None:
    manifest = read_manifest(RELEASED)
    assert manifest.kind == "face"
    assert manifest.metrics["parity_max_abs"] <= PARITY
    assert manifest.parameters == sum(p.numel() for plan in NETS for p in CascadeNet(plan).parameters())


def test_the_released_licence_is_mit() -> None:
    assert (RELEASED / "LICENSE").read_text().startswith("MIT License")


def test_export_fills_a_store(wheel: Path, tmp_path: Path) -> None:
    manifest = export_face(wheel, tmp_path, wheel_sha256=file_sha256(wheel))
    store = ModelStore(tmp_path)
    assert store.manifest("face") == manifest
    assert store.default == "student"
    assert {path.name for path in store.folder("face").iterdir()} == {
        *(f"{plan.name}.onnx" for plan in NETS),
        "manifest.json",
        "CARD.md",
        "LICENSE",
    }


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the facenet-pytorch"):
        main(["--wheel", str(wheel), "--store", str(tmp_path)])


def test_the_command_says_what_it_wrote(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.export_face.WHEEL_SHA256", file_sha256(wheel))
    main(["--wheel", str(wheel), "--store", str(tmp_path)])
    assert capsys.readouterr().out.startswith("face-1.0.0: 493280 parameters")
