"""Small ONNX models for tests: the mean green of the later frame minus that of the earlier one."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.pipeline.manifest import InputPart, Manifest, OutputPart, TrainingPart, file_sha256, read_manifest


def write_green_model(store: Path, name: str = "tiny", *, lag: int = 1, output: str = "pulse") -> Path:
    """Write model_store/<name>-1.0.0 with a model of one line of arithmetic; return its folder."""
    folder = store / f"{name}-1.0.0"
    folder.mkdir(parents=True)
    onnx.save(_green_difference(lag, output), folder / "model.onnx")
    Manifest(
        name=name,
        version="1.0.0",
        kind="pulse",
        files={"model.onnx": file_sha256(folder / "model.onnx")},
        opset=12,
        ir_version=7,
        parameters=0,
        input=InputPart(fps=30.0, lag=1 if lag == 1 else 3),
        output=OutputPart(kind="derivative"),
        training=TrainingPart(data="none", licence="Apache-2.0", recipe="by hand", git_revision="none"),
    ).write(folder)
    return folder


def write_window_model(store: Path, name: str = "window", *, past: int = 4, future: int = 2) -> Path:
    """Write model_store/<name>-1.0.0 with a model of windows: the mean green over each; return its folder."""
    folder = write_green_model(store, name)
    onnx.save(_green_mean(past + future + 1), folder / "model.onnx")
    manifest = read_manifest(folder, check_hashes=False)
    given = InputPart(fps=30.0, lag=past + future, past=past, future=future)
    changes = {"files": {"model.onnx": file_sha256(folder / "model.onnx")}, "input": given}
    manifest.model_copy(update={**changes, "output": OutputPart(kind="wave")}).write(folder)
    return folder


def write_active(store: Path, default: str, names: list[str]) -> None:
    """Write active.json naming version 1.0.0 of each model."""
    (store / "active.json").write_text(json.dumps({"default": default, "models": dict.fromkeys(names, "1.0.0")}))


def _green_mean(window: int) -> onnx.ModelProto:
    def const(name: str, values: list[int]) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(values, np.int64), name)

    nodes = [
        helper.make_node("Slice", ["frames", "one", "two", "axis1"], ["green"]),
        helper.make_node("ReduceMean", ["green"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean"], ["row"], axes=[0, 1]),
        helper.make_node("AveragePool", ["row"], ["pooled"], kernel_shape=[window], strides=[1]),
        helper.make_node("Squeeze", ["pooled"], ["pulse"], axes=[0, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "green_mean",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["T", 3, 36, 36])],
        [helper.make_tensor_value_info("pulse", TensorProto.FLOAT, ["N"])],
        [const("one", [1]), const("two", [2]), const("axis1", [1])],
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 12)])


def _green_difference(lag: int, output: str) -> onnx.ModelProto:
    def const(name: str, values: list[int]) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(values, np.int64), name)

    nodes = [
        helper.make_node("Slice", ["frames", "one", "two", "axis1"], ["green"]),
        helper.make_node("ReduceMean", ["green"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Slice", ["mean", "lag", "end", "axis0"], ["later"]),
        helper.make_node("Slice", ["mean", "zero", "minus_lag", "axis0"], ["earlier"]),
        helper.make_node("Sub", ["later", "earlier"], [output]),
    ]
    constants = [const("one", [1]), const("two", [2]), const("axis1", [1]), const("axis0", [0]), const("zero", [0])]
    constants += [const("lag", [lag]), const("end", [2**31 - 1]), const("minus_lag", [-lag])]
    graph = helper.make_graph(
        nodes,
        "green_difference",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["T", 3, 36, 36])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N"])],
        constants,
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 12)])
