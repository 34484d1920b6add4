import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.main import create_app
from service.openapi import openapi_text
from service.settings import Settings

WRITTEN = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_written_description_is_the_apps() -> None:
    is_current = WRITTEN.read_text() == openapi_text()
    assert is_current, (
        "the API has changed: run `python -m service.openapi > docs/openapi.json` and read the difference"
    )


def test_the_app_serves_what_is_written() -> None:
    assert create_app(Settings()).openapi() == json.loads(WRITTEN.read_text())


def test_the_environment_does_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_METRICS", "false")
    assert "/metrics" in json.loads(openapi_text())["paths"]


def test_the_command_prints_it() -> None:
    done = subprocess.run([sys.executable, "-m", "service.openapi"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["info"]["title"] == "FacePulse"
