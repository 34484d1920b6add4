"""What training exports is what the service and old runtimes load, and computes what torch computes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET, ModelStore
from service.pipeline.session import Session
from tests.training.models.baselines.small import SmallPhysFormer
from training.export import TOLERANCE, export_onnx, parity
from training.models import NETWORKS, PulseNet

STORE = Path(__file__).parents[2] / "model_store"
OPENED = ModelStore(STORE) if (STORE / "active.json").exists() else None
# PhysFormer with one of its twelve blocks: exporting the whole one takes longer than all others together. When it is
# exported, the command checks its parity as that of any network.
BUILDS = NETWORKS | {"physformer": SmallPhysFormer}
RELEASED = [] if OPENED is None else [OPENED.folder(name) for name in sorted(OPENED.versions)]


@pytest.fixture(scope="module", params=sorted(BUILDS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[PulseNet, Path]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = BUILDS[request.param]()
    net.train()
    with torch.no_grad():  # norms that have seen something, so that folding them can go wrong
        for _ in range(3):
            net(torch.rand(1, 3, 36, 36) + 0.01 * torch.randn(net.lag + 11, 3, 36, 36))
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(net.eval(), path)
    return net, path


def test_runtime_equals_torch_on_fresh_inputs(exported: tuple[PulseNet, Path]) -> None:
    assert parity(*exported) <= TOLERANCE


def test_old_runtimes_load_it(exported: tuple[PulseNet, Path]) -> None:
    model = onnx.load(str(exported[1]))
    assert model.ir_version <= MAX_IR_VERSION
    assert [(opset.domain, opset.version <= MAX_OPSET) for opset in model.opset_import] == [("", True)]


def test_inputs_and_outputs_have_their_names(exported: tuple[PulseNet, Path]) -> None:
    session = Session(exported[1])
    assert (session.inputs, session.outputs) == (("frames",), ("pulse",))


def test_the_runtime_gives_the_same_in_chunks(exported: tuple[PulseNet, Path]) -> None:
    net, path = exported
    session, rng = Session(path), np.random.default_rng(0)
    frames = (
        (rng.random((1, 3, 36, 36)) + 0.01 * rng.standard_normal((net.lag + 40, 3, 36, 36)))
        .clip(0, 1)
        .astype(np.float32)
    )
    whole = session(frames=frames)[0]
    chunks = [session(frames=frames[at : at + 10 + net.lag])[0] for at in range(0, 40, 10)]
    assert np.abs(np.concatenate(chunks) - whole).max() < 1e-5


@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
def test_released_files_keep_the_contract(folder: Path) -> None:
    for path in folder.glob("*.onnx"):
        model = onnx.load(str(path))
        assert model.ir_version <= MAX_IR_VERSION
        assert all(opset.version <= MAX_OPSET for opset in model.opset_import)
