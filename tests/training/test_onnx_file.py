from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET
from service.pipeline.session import Session
from training.onnx_file import write_onnx


def test_any_length_of_the_named_axes_goes_in(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, path = nn.Linear(3, 2), tmp_path / "net.onnx"
    write_onnx(net, torch.rand(4, 3), path, inputs={"rows": {0: "n"}}, outputs={"sums": {0: "n"}})
    session, rows = Session(path), torch.rand(7, 3)
    assert (session.inputs, session.outputs) == (("rows",), ("sums",))
    np.testing.assert_allclose(session(rows=rows.numpy())[0], net(rows).detach().numpy(), atol=1e-6)


def test_old_runtimes_load_it_and_nobody_is_named(tmp_path: Path) -> None:
    write_onnx(nn.ReLU(), torch.rand(2, 3), tmp_path / "net.onnx", inputs={"x": {}}, outputs={"y": {}})
    model = onnx.load(str(tmp_path / "net.onnx"))
    assert (model.ir_version <= MAX_IR_VERSION, model.producer_name) == (True, "")
    assert [entry.version for entry in model.opset_import] == [MAX_OPSET]
