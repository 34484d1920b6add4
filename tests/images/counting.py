"""A QEMU that counts instructions: built from source, as Debian's own is linked statically and takes no plugins."""

import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.images.engine import Engine
from tests.images.tools import TOOLS, install_packages, original_source, run

HERE = Path(__file__).parent
CORE = "cortex-a57"
_BUILT = TOOLS / "counting-qemu"
_PACKAGES = ["gcc", "libc6-dev", "libglib2.0-dev", "ninja-build", "pkg-config", "python3-venv", "xz-utils"]
_BUILDERS = ["meson==1.5.0", "ninja", "distlib", "pycotap", "setuptools"]
_SWITCHES = [
    "--target-list=aarch64-linux-user",
    "--enable-plugins",
    "--without-default-features",
    "--disable-system",
    "--disable-tools",
    "--disable-docs",
    "--disable-werror",
    "--disable-download",
    "--disable-install-blobs",
]
# The service's own settings on a Nano; one thread, and none that spins.
_ENVIRONMENT = {
    "OPENBLAS_CORETYPE": "ARMV8",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class CountingQemu:
    """The emulator and its plugin, counter.c."""

    program: Path
    plugin: Path

    def count(self, root: Path, *packages: Path, part: str, clip: Path, frames: Path) -> dict[str, dict[int, float]]:
        """Run a part of counted.py on the Python of the system under `root`; its counts by stage and frames.

        packages: folders of further Python packages. Raises RuntimeError when it fails.
        """
        counts = _BUILT / f"{part}.counts"
        counts.write_bytes(bytes(16))
        paths = [root / "opt/facepulse/lib/python3.11/site-packages", *packages]
        environment = _ENVIRONMENT | {"PYTHONPATH": ":".join(map(str, paths))}
        emulated: list[str | Path] = [self.program, "-L", root, "-cpu", CORE, "-plugin", f"{self.plugin},out={counts}"]
        python: list[str | Path] = [root / "usr/bin/python3.11", "-P", HERE / "counted.py"]
        printed = run(*emulated, *python, counts, part, clip, frames, env=environment)
        return {
            stage: {int(number): float(millions) for number, millions in by_frames.items()}
            for stage, by_frames in json.loads(printed).items()
        }


def counting_qemu() -> CountingQemu:
    """Return the emulator; the first time it is built, a matter of ten minutes."""
    program, plugin = _BUILT / "build" / "qemu-aarch64", _BUILT / "counter.so"
    if not program.exists():
        install_packages(*_PACKAGES)
        _build(original_source("trixie", "qemu"))
    header = next(_BUILT.glob("qemu-*")) / "include" / "qemu"
    glib = run("pkg-config", "--cflags", "glib-2.0").split()
    options = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O2", "-shared", "-fPIC", f"-I{header}", *glib]
    run("gcc", *options, "-o", plugin, HERE / "counter.c")
    return CountingQemu(program, plugin)


def _build(archive: Path) -> None:
    shutil.rmtree(_BUILT, ignore_errors=True)
    build = _BUILT / "build"
    build.mkdir(parents=True)
    with tarfile.open(archive) as source:
        source.extractall(_BUILT, filter="data")
    run(sys.executable, "-m", "venv", _BUILT / "venv")
    python = _BUILT / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", *_BUILDERS)
    configure = next(_BUILT.glob("qemu-*")) / "configure"
    run(configure, f"--python={python}", *_SWITCHES, folder=build)
    run(python.parent / "ninja", "qemu-aarch64", folder=build)


def unpacked_image(engine: Engine, image: str) -> Path:
    """Return the folder into which an image's files were unpacked."""
    folder = TOOLS / "image-root"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    container = engine.docker("create", "--platform=linux/arm64", "--network=none", image)
    archive = folder.with_suffix(".tar")
    try:
        engine.docker("export", f"--output={archive}", container)
        subprocess.run(["tar", "--extract", f"--file={archive}", f"--directory={folder}"], check=True)
    finally:
        archive.unlink(missing_ok=True)
        engine.docker("rm", container)
    return folder
