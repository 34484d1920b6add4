"""The Dockerfiles by their own linter, and held against what they are built from."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
HADOLINT = Path(sys.executable).with_name("hadolint")


def copied(dockerfile: Path) -> set[str]:
    """Return what an image is built from."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile.read_text(), re.MULTILINE)
    return {source.rstrip("/") for line in lines for source in line.split()[:-1]}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_the_linter_finds_nothing(dockerfile: Path) -> None:
    linter = HADOLINT if HADOLINT.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, "--no-color", dockerfile], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_copies_what_there_is(dockerfile: Path) -> None:
    assert all((ROOT / source).exists() for source in copied(dockerfile))


def test_the_engine_is_handed_that_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set().union(*map(copied, DOCKERFILES))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_nobody_special_runs_it_and_no_frontend_is_fetched(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    assert "USER 10001:10001" in text
    assert "ARG BASE_IMAGE=debian:bookworm-slim" in text
    assert "# syntax" not in text


def test_the_service_starts_through_the_entry_that_makes_threads_possible() -> None:
    text = (ROOT / "docker" / "service.Dockerfile").read_text()
    assert "1s|.*|#!/usr/local/bin/clone3 /opt/facepulse/bin/python3|" in text
    assert "COPY --from=build /usr/local/bin/clone3 /usr/local/bin/" in text


def test_the_service_is_built_without_what_only_training_needs() -> None:
    assert "training" not in copied(ROOT / "docker" / "service.Dockerfile")
