"""What the proof needs on the machine: Debian's packages, and some of newer suites unpacked beside them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "images"  # tools and base images are kept there for the next time
TOOLS = WORK / "tools"
_SIGNED = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
_PACKAGES = {  # of commands
    "dockerd": "docker.io",
    "docker": "docker.io",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
}
_INSTALL = ["apt-get", "-qq", "install", "--yes", "--no-install-recommends"]


def run(*command: str | Path, check: bool = True, env: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run a command and return its standard output.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, check=False)
    if check and done.returncode:
        words = " ".join(map(str, command))
        raise RuntimeError(f"{words}\nended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def install() -> None:
    """Install the engine, and put compose and buildx, which Debian 12 lacks, where `docker_config` finds them."""
    if os.geteuid() != 0:
        raise SystemExit("the proof starts a container engine of its own: run it as root")
    missing = sorted({package for command, package in _PACKAGES.items() if shutil.which(command) is None})
    if missing:
        install_packages(*missing)
    plugins = docker_config() / "cli-plugins"
    if not plugins.is_dir():
        unpacked = unpack("trixie", "docker-compose", "docker-buildx")
        shutil.copytree(unpacked / "usr" / "libexec" / "docker" / "cli-plugins", plugins)


def install_packages(*packages: str) -> None:
    """Install packages of the machine's own suite."""
    run("apt-get", "-qq", "update")
    run(*_INSTALL, *packages, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def docker_config() -> Path:
    """Return the folder of the docker command's settings and plugins."""
    return WORK / "docker-config"


def mirror() -> str:
    """Return where this machine gets Debian from."""
    debian = ["Created-By: Packages", "Release: bookworm"]
    return run("apt-get", "indextargets", "--format=$(REPO_URI)", *debian).split()[0]


def unpack(suite: str, *packages: str) -> Path:
    """Return the folder into which packages of another suite were unpacked; the machine's own sources stay clean."""
    folder = TOOLS / suite
    with _apt(folder, f"deb {_SIGNED} {mirror()} {suite} main") as apt:
        run(*apt, "download", *packages, folder=folder)
    for deb in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", deb, folder / "root")
        deb.unlink()
    return folder / "root"


def original_source(suite: str, package: str) -> Path:
    """Return the archive of a package's source, without Debian's changes, as a suite has it."""
    folder = TOOLS / f"{suite}-source"
    with _apt(folder, f"deb-src {_SIGNED} {mirror()} {suite} main") as apt:
        run(*apt, "source", "--download-only", package, folder=folder)
    return next(folder.glob(f"{package}_*.orig.tar.*"))


@contextmanager
def _apt(folder: Path, source: str) -> Iterator[list[str]]:
    """Yield apt's command for one line of sources.list, kept within a folder."""
    lists, archives = folder / "apt" / "state", folder / "apt" / "cache"
    (lists / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (archives / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(f"{source}\n")
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": lists,
        "Dir::State::status": "/dev/null",
        "Dir::Cache": archives,
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    run(*apt, "update")
    yield apt
    shutil.rmtree(folder / "apt")
