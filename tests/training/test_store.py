import json
import subprocess
from pathlib import Path

import pytest

from service.pipeline.manifest import ModelStore
from training.store import activate, default_of, git_revision


def test_the_default_stays_unless_asked(tmp_path: Path) -> None:
    activate(tmp_path, "student", "1.0.0")
    activate(tmp_path, "teacher", "1.0.0")
    assert ModelStore(tmp_path).default == "student"
    activate(tmp_path, "teacher", "1.1.0", default="teacher")
    expected = {"default": "teacher", "models": {"student": "1.0.0", "teacher": "1.1.0"}}
    assert json.loads((tmp_path / "active.json").read_text()) == expected


def test_an_empty_store_has_no_default(tmp_path: Path) -> None:
    assert default_of(tmp_path) is None
    activate(tmp_path, "face", "1.0.0", default="student")
    assert default_of(tmp_path) == "student"


def test_without_git_the_revision_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", fail)
    assert git_revision() == "unknown"
