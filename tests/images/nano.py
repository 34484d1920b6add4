"""`python -m tests.images.nano [--keep]`: what a Jetson Nano would do, from instructions counted on an emulated core.

Builds the image for arm64, runs the stages of the service on its Python in a QEMU that counts, and prints the tables
of docs/jetson.md. Wants what `make image-test-arm64` wants, and half an hour. Ends with 1 when by its careful
end the student live does not fit in half of one core: the service's side, the client's, or both in one program.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from facepulse import file_frames
from service.pipeline.manifest import ModelStore
from service.settings import Settings
from tests.images import emulation
from tests.images.build import build_service
from tests.images.counting import CountingQemu, counting_qemu, unpacked_image
from tests.images.engine import running_engine
from tests.images.image_checks import CLIP
from tests.images.nano_estimate import SLOW_IPC, live_programs, tables
from tests.images.tools import ROOT, TOOLS, WORK, install, run

HALF = 0.5
PARTS = ("video", "models", "live", "here", "camera")
_SESSIONS = ("live", "here")
_OPENCV = TOOLS / "opencv-arm64"


def main() -> int:
    """Count and print; 0 when the student fits."""
    parser = argparse.ArgumentParser(prog="python -m tests.images.nano", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the engine's images and build cache")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    install()
    qemu = counting_qemu()
    with running_engine(keep=arguments.keep) as engine, emulation.registered():
        root = unpacked_image(engine, build_service(engine, "arm64"))
    with tempfile.TemporaryDirectory() as frames:
        for number, (_, jpeg) in enumerate(file_frames(CLIP, realtime=False)):
            Path(frames, f"{number:05}.jpg").write_bytes(jpeg)
        counts = count(qemu, root, Path(frames))
    models = ModelStore(Settings().model_store).pulse_models()
    print(tables(counts, {manifest.name: manifest.input_spec for manifest in models}))
    return 0 if all(cost.share(SLOW_IPC) <= HALF for cost in live_programs(counts).values()) else 1


def count(qemu: CountingQemu, root: Path, frames: Path) -> dict[str, dict[int, float]]:
    """Return the counts of all parts; those of the two live sessions are called `live ...` and `here ...`."""
    counts: dict[str, dict[int, float]] = {}
    for part in PARTS:
        print(f"counting: {part}", file=sys.stderr, flush=True)
        packages = [opencv()] if part == "camera" else []
        found = qemu.count(root, *packages, part=part, clip=CLIP, frames=frames)
        counts |= {f"{part} {stage}" if part in _SESSIONS else stage: by_frames for stage, by_frames in found.items()}
    return counts


def opencv() -> Path:
    """Return a folder with OpenCV for arm64, which the image lacks, in the locked version."""
    if not _OPENCV.exists():
        locked = (ROOT / "requirements.lock").read_text().split()
        version = next(line for line in locked if line.startswith("opencv-python-headless=="))
        wheels = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_aarch64"]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", f"--target={_OPENCV}"]
        run(*pip, *wheels, "--platform=manylinux2014_aarch64", version)
    return _OPENCV


if __name__ == "__main__":
    sys.exit(main())
