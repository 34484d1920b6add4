import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from service.cli.checks import CHECKS, Finding
from service.cli.doctor import examine

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings under which this machine can serve."""
    for name in [name for name in os.environ if name.startswith("FACEPULSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FACEPULSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FACEPULSE_PORT", "0")
    monkeypatch.setenv("FACEPULSE_WORKERS", "1")


def found(topic: str, *, state: str = "bad") -> list[Finding]:
    return [each for each in examine(warm_up=False) if (each.topic, each.state) == (topic, state)]


def test_a_good_machine_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "ok   measurement  7" in said
    assert said.endswith("the service can work here\n")


def test_json_has_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quick", "--json"]) == 0
    findings: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert len(findings) >= len(CHECKS)
    assert all(finding["state"] in ("ok", "note") for finding in findings)


def test_a_setting_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FACEPULSE_WORKERS", "many")
    assert main(["doctor"]) == 1
    assert "BAD  settings     FACEPULSE_WORKERS: " in capsys.readouterr().out


def test_a_misspelt_setting_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_WORKRES", "2")
    assert found("settings", state="note")[0].said == "FACEPULSE_WORKRES is no setting"


def test_a_model_that_was_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEPULSE_MODEL_STORE", str(tmp_path))
    assert "manifest_invalid" in found("models")[0].said


def test_a_default_that_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_DEFAULT_MODEL", "studnet")
    (finding,) = found("models")
    assert "unknown_model" in finding.said
    assert "FACEPULSE_DEFAULT_MODEL" in finding.remedy


def test_more_workers_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_WORKERS", "250")
    assert found("cores", state="note")


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_WORKER_MEMORY_MB", "1000000")
    assert found("memory")


def test_a_data_folder_that_others_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("/")
    assert found("data folder")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert found("data folder")


def test_no_room_for_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_MAX_UPLOAD_MB", "1e12")
    assert found("data folder", state="note")


def test_an_open_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_HOST", "0.0.0.0")
    assert "without API keys" in found("keys")[0].said


def test_keys_are_counted_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEPULSE_KEYS_FILE", str(tmp_path / "keys"))
    main(["keys", "new", "anna"])
    main(["keys", "new", "anna"])
    assert found("keys", state="ok")[0].said == "1 names"


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_taken_port(monkeypatch: pytest.MonkeyPatch, taken_port: int) -> None:
    monkeypatch.setenv("FACEPULSE_PORT", str(taken_port))
    assert "already in use" in found("port")[0].said


def test_too_few_open_files() -> None:
    """In a process of its own: limits cannot be raised again."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64));"
        "from service.cli.checks import check_limits; from service.settings import Settings;"
        "print(next(check_limits(Settings())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "state='bad'" in done.stdout
    assert "open files (ulimit -n) is 64" in done.stdout


def test_an_optional_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "pip install 'facepulse[camera]'" in found("optional", state="note")[0].remedy
