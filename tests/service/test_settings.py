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


@pytest.mark.parametrize(
    "wrong",
    [{"workers": 0}, {"task_timeout_s": float("inf")}, {"port": 70_000}, {"max_fps": float("inf")},
     {"min_fps": float("nan")}, {"max_upload_mb": float("inf")}, {"job_ttl_s": 1e300}, {"worker_cpu_s": 10**20},
     {"worker_memory_mb": 10**15}, {"drain_s": float("nan")}, {"replica": "a-b"}, {"replica": "a/b"}],
)  # fmt: skip
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}CORS_ORIGINS", "https://a.example, http://localhost:5173,https://[::1]:8443")
    assert Settings().cors_origins == ("https://a.example", "http://localhost:5173", "https://[::1]:8443")


@pytest.mark.parametrize(
    "wrong", ["*", "https://*.example", "a.example", "https://a.example/", "https://A.example", "null", "https://"]
)
def test_an_origin_is_one_and_no_pattern(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(cors_origins=(wrong,))


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYS_FILE", "OTLP_ENDPOINT", "HOST", "CORS_ORIGINS"):
        monkeypatch.setenv(PREFIX + name, "")
    settings = Settings()
    assert (settings.keys_file, settings.otlp_endpoint, settings.host) == (None, None, "127.0.0.1")
    assert settings.cors_origins == ()
