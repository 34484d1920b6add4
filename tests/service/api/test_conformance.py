"""The running service against its own description: hundreds of odd requests that schemathesis makes of it.

The same requests in every run. Left out is one check, that whatever fits the description is accepted: of random bytes
called a video that cannot be true.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.keys import new_key
from service.wire import DEFAULT_ESTIMATOR
from tests.service.server import ROOT, Server, running_server

PLENTY: dict[str, Any] = {
    "queue_length": 1000,
    "job_queue_length": 1000,
    "job_max_per_key": 1000,
}  # a 503 would hide other faults
CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
REAL_STORE = ROOT / "model_store"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conformance")


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return new_key(folder / "keys", "schemathesis")


@pytest.fixture(scope="module")
def guarded(folder: Path, key: str) -> Iterator[Server]:
    assert key
    with running_server(folder, workers=2, keys_file=folder / "keys", **PLENTY) as server:
        yield server


def run(server: Server, folder: Path, *options: str) -> None:
    """Let schemathesis test a server; whatever it writes lies in the folder."""
    command: list[str | Path] = [
        *(Path(sys.executable).with_name("schemathesis"), "run", f"{server.url}/openapi.json"),
        *(
            "--generation-deterministic",
            "--exclude-checks",
            "positive_data_acceptance",
            "--suppress-health-check",
            "all",
        ),
        *("--request-timeout", "60", "--no-color", *options),
    ]
    (folder / "schemathesis.toml").write_text(CONFIG)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [line for line in server.log() if line["level"] == "ERROR"]


def test_every_answer_is_as_described_and_none_is_a_fault_of_ours(guarded: Server, folder: Path, key: str) -> None:
    run(guarded, folder, "--header", f"X-Api-Key: {key}", "--max-examples", "10")
    assert guarded.uploads() == []


def test_without_a_key_nothing_is_told(guarded: Server, folder: Path) -> None:
    run(guarded, folder, "--phases", "fuzzing", "--max-examples", "4", "--include-path-regex", "^/v1")
    assert guarded.uploads() == []


def test_the_real_chain_takes_odd_bodies(tmp_path: Path) -> None:
    with running_server(tmp_path, estimator=DEFAULT_ESTIMATOR, model_store=REAL_STORE, **PLENTY) as server:
        run(server, tmp_path, "--phases", "fuzzing", "--max-examples", "6", "--include-tag", "measure")
        assert server.uploads() == []
