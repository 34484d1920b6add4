"""onnxruntime sessions, opened in one place: checked against the manifest, one thread, no telemetry."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at import: a health service does not phone home

import onnxruntime as ort

from service.pipeline.errors import ModelCorrupt

FloatArray = NDArray[np.float32]


class Session:
    """One ONNX file as a callable: named float32 arrays in, float32 arrays out, in the file's order."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # inputs vary in length; patterns would be kept for each
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated types here
            raise ModelCorrupt(f"{path.name} of {path.parent.name} is no model that this runtime loads") from error
        self.inputs = tuple(i.name for i in self._session.get_inputs())
        self.outputs = tuple(o.name for o in self._session.get_outputs())

    def __call__(self, **inputs: FloatArray) -> list[FloatArray]:
        """Run the model on the named inputs. Raises MemoryError where the runtime gets none."""
        try:
            result: list[Any] = self._session.run(None, inputs)
        except Exception as error:  # the runtime's own type for this differs by version
            if "alloc" in str(error):
                raise MemoryError("the model's runtime got no memory") from error
            raise
        return result
