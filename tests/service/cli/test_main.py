import subprocess
import sys
from pathlib import Path

import pytest

from service.cli import main, make_parser

COMMANDS = ["serve", "estimate", "batch", "live", "models", "benchmark", "doctor", "health", "keys"]


def usage_error(*argv: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize(
    "argv", [[], ["nonsense"], ["estimate"], ["models", "extra"], ["serve", "--port", "x"], ["keys"]]
)
def test_wrong_usage_is_2(argv: list[str]) -> None:
    assert usage_error(*argv) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error(command, "--help") == 0
    assert f"usage: facepulse {command}" in capsys.readouterr().out


def test_help_lists_the_commands() -> None:
    listed = make_parser().format_help().split("COMMAND\n")[1]
    assert all(f"    {command}" in listed for command in COMMANDS)


def test_a_wrong_setting_is_2_and_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_PORT", "99999999")
    assert main(["models"]) == 2
    assert capsys.readouterr().err.startswith("settings_invalid: port: ")


def test_serve_takes_the_port_as_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "70000"]) == 2
    assert capsys.readouterr().err.startswith("settings_invalid: port: ")


def test_a_broken_model_store_is_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEPULSE_MODEL_STORE", str(tmp_path))
    assert main(["models"]) == 1
    assert capsys.readouterr().err.startswith("manifest_invalid: ")


def test_help_is_quick() -> None:
    """Nothing heavy is imported for it."""
    heavy = ["numpy", "scipy", "av", "onnxruntime", "fastapi", "pydantic", "matplotlib", "httpx", "websockets", "cv2"]
    code = f"import sys, service.cli; service.cli.make_parser(); sys.exit(any(n in sys.modules for n in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
