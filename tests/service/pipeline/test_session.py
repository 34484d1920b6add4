"""Sessions: what they load, what they refuse, and that memory that runs out is said as such."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.errors import ModelCorrupt
from service.pipeline.session import Session
from tests.service.pipeline.tiny_models import write_green_model

_STARVED = """
import resource, sys
from pathlib import Path
import numpy as np
from service.pipeline.session import Session
session = Session(Path(sys.argv[1]))
frames = np.zeros((60000, 3, 36, 36), np.float32)
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + 2**26,) * 2)
try:
    session(frames=frames)
except MemoryError:
    print("MemoryError")
"""


def test_inputs_and_outputs_are_those_of_the_file(tmp_path: Path) -> None:
    session = Session(write_green_model(tmp_path) / "model.onnx")
    assert (session.inputs, session.outputs) == (("frames",), ("pulse",))
    assert session(frames=np.zeros((3, 3, 36, 36), np.float32))[0].shape == (2,)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelCorrupt):
        Session(tmp_path / "model.onnx")


def test_running_out_of_memory_is_a_memory_error(tmp_path: Path) -> None:
    path = write_green_model(tmp_path) / "model.onnx"
    done = subprocess.run([sys.executable, "-c", _STARVED, str(path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "MemoryError"
