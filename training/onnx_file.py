"""torch modules as ONNX files that old runtimes load."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET

Axes = Mapping[int, str]


def write_onnx(
    net: nn.Module, example: Tensor, path: Path, *, inputs: Mapping[str, Axes], outputs: Mapping[str, Axes]
) -> None:
    """Write `net` as ONNX of opset 12 and IR 7; inputs and outputs: by name, the axes of any length and their names.

    Uses torch's TorchScript exporter: the newer one writes opset 18 at least, which old runtimes do not load.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            net,
            (example,),
            str(path),
            dynamo=False,
            opset_version=MAX_OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in {**inputs, **outputs}.items()},
        )
    model = onnx.load(str(path))
    model.ir_version = min(model.ir_version, MAX_IR_VERSION)
    model.producer_name = model.producer_version = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
