"""Command: frames per second of each pulse model on one thread, in chunks of 64 frames, from model_store.

Models that have not been released are exported as they are initialised: the weights do not change the time.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from service.pipeline.manifest import ACTIVE, ModelStore
from service.pipeline.session import Session
from training.export import export_onnx
from training.models import MODELS

STORE = Path(__file__).parents[2] / "model_store"
CHUNK = 64


def milliseconds_per_frame(path: Path, *, lag: int, repeats: int = 40) -> float:
    """Return the median processor time per frame; processor and not wall time, as other work shares the machine."""
    session = Session(path)
    frames = np.random.default_rng(0).uniform(0.4, 0.6, (CHUNK + lag, 3, 36, 36)).astype(np.float32)
    times_s = []
    for _ in range(repeats):
        start_s = time.process_time()
        session(frames=frames)
        times_s.append(time.process_time() - start_s)
    return float(np.median(times_s[3:])) / CHUNK * 1e3


def models(store: Path, scratch: Path) -> dict[str, tuple[Path, int]]:
    """Return file and lag of each model: the released one, else a fresh export into `scratch`."""
    found: dict[str, tuple[Path, int]] = {}
    if (store / ACTIVE).exists():
        opened = ModelStore(store)
        for manifest in opened.pulse_models():
            file = opened.folder(manifest.name) / next(iter(manifest.files))
            found[manifest.name] = file, manifest.input_spec.lag
    return found | _fresh(scratch, [name for name in MODELS if name not in found])


def _fresh(scratch: Path, names: list[str]) -> dict[str, tuple[Path, int]]:
    made = {}
    for name in names:
        net, path = MODELS[name](), scratch / f"{name}.onnx"
        export_onnx(net, path)
        made[name] = path, net.lag
    return made


def main() -> None:
    """Print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=STORE)
    with tempfile.TemporaryDirectory() as scratch:
        timed = {
            name: milliseconds_per_frame(path, lag=lag)
            for name, (path, lag) in models(parser.parse_args().store, Path(scratch)).items()
        }
    for name, ms in timed.items():
        times_student = ms / timed["student"]
        print(f"{name:12} {ms:7.4f} ms per frame {1e3 / ms:9.0f} frames per second {times_student:6.1f} x student")


if __name__ == "__main__":
    main()
