from pathlib import Path

import pytest

from service.cli import main
from service.keys import KeyRing


def test_a_new_key_opens_the_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "anna", "--file", str(tmp_path / "keys")]) == 0
    assert KeyRing(tmp_path / "keys").name_of(capsys.readouterr().out.strip()) == "anna"


def test_the_list_has_names_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "new", "anna", "--file", str(tmp_path / "keys")])
    capsys.readouterr()
    assert main(["keys", "list", "--file", str(tmp_path / "keys")]) == 0
    assert capsys.readouterr().out == "anna\n"


def test_the_file_may_be_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPULSE_KEYS_FILE", str(tmp_path / "keys"))
    assert main(["keys", "new", "bert"]) == 0
    assert (tmp_path / "keys").read_text().startswith("bert:")


@pytest.mark.parametrize("argv", [["new", "two words"], ["list"]])
def test_what_cannot_be_done_is_2(argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", *argv, "--file", str(tmp_path / "keys")]) == 2
    assert capsys.readouterr().err.startswith("keys_unusable: ")


def test_a_file_must_be_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEPULSE_KEYS_FILE", raising=False)
    assert main(["keys", "list"]) == 2
    assert "FACEPULSE_KEYS_FILE" in capsys.readouterr().err
