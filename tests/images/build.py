"""Makes a base image from Debian's packages, without a registry, and builds the service's image on it."""

import os
import tempfile
from pathlib import Path

from tests.images.engine import Engine
from tests.images.tools import ROOT, WORK, mirror, run

NATIVE = "amd64"
_HOOKS = "/usr/share/mmdebstrap/hooks/merged-usr"  # without it perl comes along, 50 MB
_LEFT_OUT = ["doc/*", "man/*", "locale/*", "info/*", "lintian/*"]
# Where a network has a certificate of its own, pip's variable names it.
_CERTIFICATE = os.environ.get("PIP_CERT", "")


def bootstrap(architecture: str) -> Path:
    """Return the archive of a system as small as debian:bookworm-slim. It is kept, as it takes minutes to make."""
    archive = WORK / f"bookworm-{architecture}.tar"
    if not archive.exists():
        partial = archive.with_suffix(".partial")
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{pattern}" for pattern in _LEFT_OUT]
        kept = "--dpkgopt=path-include=/usr/share/doc/*/copyright"
        options = ["--variant=apt", f"--architectures={architecture}", f"--hook-dir={_HOOKS}", "--format=tar"]
        emulated = "--skip=check/qemu"  # the kernel knows its own, see emulation.py; mmdebstrap looks for Debian's
        run("mmdebstrap", *options, emulated, *left_out, kept, "bookworm", partial, mirror())
        partial.rename(archive)
    return archive


def make_base(engine: Engine, architecture: str) -> str:
    """Return the name of an image of that system."""
    name = f"facepulse-base:{architecture}"
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        os.link(bootstrap(architecture), Path(folder, "base.tar"))
        Path(folder, "Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n')
        engine.docker("build", "--quiet", f"--platform=linux/{architecture}", f"--tag={name}", folder)
    return name


def build_service(engine: Engine, architecture: str) -> str:
    """Return the name of the service's image, built as docs/operation.md says, on bases of our own."""
    name = f"facepulse:proof-{architecture}"
    bases = [
        f"--build-arg=BASE_IMAGE={make_base(engine, architecture)}",
        f"--build-arg=BUILD_IMAGE={make_base(engine, NATIVE)}",
    ]
    secret = [f"--secret=id=ca,src={_CERTIFICATE}"] if _CERTIFICATE else []
    options = [f"--platform=linux/{architecture}", "--network=host", "--progress=plain", *bases, *secret]
    engine.docker("build", *options, "--file=docker/service.Dockerfile", f"--tag={name}", ROOT)
    return name
