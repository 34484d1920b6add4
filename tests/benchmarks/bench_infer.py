"""Command: what each pulse model costs per frame on one thread, as the service runs it, from model_store.

Networks that have not been released are exported as they are initialised: the weights do not change the time.
"""

import argparse
import tempfile
from pathlib import Path

from service.pipeline.classical import CLASSICAL
from service.pipeline.estimate import Estimator
from service.pipeline.infer import OnnxPulseModel
from service.pipeline.manifest import ACTIVE
from service.pipeline.pulse import DEFAULT_CALIBRATION
from service.pipeline.speed import model_ms_per_frame
from service.pipeline.types import PulseModel
from training.config import TrainConfig
from training.export import Release, write_version
from training.models import MODELS

STORE = Path(__file__).parents[2] / "model_store"


def models(store: Path, scratch: Path) -> dict[str, PulseModel]:
    """Return the released models, fresh exports of the others into `scratch`, and the classical methods."""
    found: dict[str, PulseModel] = {name: make() for name, make in CLASSICAL.items()}
    if (store / ACTIVE).exists():
        estimator = Estimator(store)
        found = {name: estimator.model(name) for name in estimator.names}
    return found | {name: _fresh(scratch, name) for name in MODELS if name not in found}


def _fresh(scratch: Path, name: str) -> PulseModel:
    folder = scratch / f"{name}-0.0.0"
    write_version(folder, MODELS[name](), TrainConfig(name, 1), Release(name, "0.0.0", "nothing"), {})
    return OnnxPulseModel(folder, default_calibration=DEFAULT_CALIBRATION)


def main() -> None:
    """Print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=STORE)
    store = parser.parse_args().store
    with tempfile.TemporaryDirectory() as scratch:
        timed = {name: model_ms_per_frame(model, rounds=5) for name, model in models(store, Path(scratch)).items()}
    for name, ms in timed.items():
        times_student = ms / timed["student"]
        print(f"{name:12} {ms:7.4f} ms per frame {1e3 / ms:9.0f} frames per second {times_student:6.1f} x student")


if __name__ == "__main__":
    main()
