from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import PREFIX, Settings, settings_markdown, usable_cores

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_written_table_is_the_generated_one() -> None:
    assert DOCS.read_text() == settings_markdown()


def test_every_setting_is_documented() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_only_this_machine_is_served_by_default() -> None:
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8000)


def test_one_worker_per_usable_core() -> None:
    assert Settings().workers == usable_cores() >= 1


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}MAX_UPLOAD_MB", "1.5")
    assert Settings().max_upload_bytes == 1_500_000


def test_limits_reach_the_decoder() -> None:
    limits = Settings(max_width=1280, max_duration_s=60).decode_limits
    assert (limits.max_width, limits.max_duration_s) == (1280, 60)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"task_timeout_s": float("inf")}, {"port": 70_000}])
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)
