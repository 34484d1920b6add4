import hmac
import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from service import keys
from service.keys import KeyRing, KeysUnusable, hash_key, new_key, parse_keys, read_keys


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_new_key_is_known_by_its_name(file: Path) -> None:
    key = new_key(file, "lab")
    assert KeyRing(file).name_of(key) == "lab"


def test_only_the_hash_is_kept_and_only_for_us(file: Path) -> None:
    key = new_key(file, "lab")
    assert file.read_text() == f"lab:{sha256(key.encode()).hexdigest()}\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_keys_are_long_and_differ(file: Path) -> None:
    made = {new_key(file, "lab") for _ in range(5)}
    assert len(made) == len(read_keys(file)) == 5
    assert all(len(key) >= 43 for key in made), "43 characters of base64 are 256 bits"


def test_a_key_is_fit_for_a_header_and_a_subprotocol(file: Path) -> None:
    key = new_key(file, "lab")
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_a_file_whose_last_line_does_not_end(file: Path) -> None:
    first = new_key(file, "lab")
    write(file, file.read_text().rstrip("\n"))
    second = new_key(file, "ward")
    ring = KeyRing(file)
    assert (ring.name_of(first), ring.name_of(second)) == ("lab", "ward")


@pytest.mark.parametrize("wrong", ["", "fp_", "x" * 5000, "fp_\u00e9", "fp_\x00"])
def test_another_key_is_nobodys(file: Path, wrong: str) -> None:
    new_key(file, "lab")
    assert KeyRing(file).name_of(wrong) is None


def test_a_hash_is_no_key(file: Path) -> None:
    digest = hash_key(new_key(file, "lab")).hex()
    assert KeyRing(file).name_of(digest) is None


def test_every_hash_is_compared_whichever_fits(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_key(file, name) for name in ("a", "b", "c")]
    ring = KeyRing(file)
    compared: list[bytes] = []
    honest = hmac.compare_digest

    def noting(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return honest(known, given)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    for key in (*made, "wrong"):
        compared.clear()
        ring.name_of(key)
        assert len(compared) == 3


def test_comments_and_empty_lines_are_left_out() -> None:
    digest = "0f" * 32
    assert [key.name for key in parse_keys(f"# ours\n\n  lab:{digest}  \nlab:{digest}\n")] == ["lab", "lab"]


@pytest.mark.parametrize(
    "line", ["lab", "lab:", "lab:abc", f":{'0' * 64}", f"la b:{'0' * 64}", f"lab:{'g' * 64}", f"{'x' * 65}:{'0' * 64}"]
)
def test_a_wrong_line_is_named_but_not_repeated(line: str) -> None:
    with pytest.raises(KeysUnusable, match="line 2") as refused:
        parse_keys(f"# ours\n{line}")
    assert line not in str(refused.value)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_change_is_refused(file: Path, mode: int) -> None:
    new_key(file, "lab")
    file.chmod(mode)
    with pytest.raises(KeysUnusable, match="chmod go-w"):
        KeyRing(file)
    with pytest.raises(KeysUnusable, match="chmod go-w"):
        new_key(file, "ward")


@pytest.mark.parametrize("text", ["", "# nobody\n"])
def test_a_file_without_keys_is_refused_at_the_start(file: Path, text: str) -> None:
    with pytest.raises(KeysUnusable, match="no key"):
        KeyRing(write(file, text))


def test_what_is_no_file_of_keys(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="cannot be read"):
        KeyRing(tmp_path / "absent")
    with pytest.raises(KeysUnusable, match="cannot be read"):
        KeyRing(tmp_path)
    with pytest.raises(KeysUnusable, match="regular"):
        read_keys(Path(os.devnull))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KeysUnusable, match="regular"):
        read_keys(tmp_path / "pipe")
    (tmp_path / "video").write_bytes(b"\xff\x00")
    with pytest.raises(KeysUnusable, match="ASCII"):
        read_keys(tmp_path / "video")
    with pytest.raises(KeysUnusable, match="too large"):
        read_keys(write(tmp_path / "large", "#" * 1_000_001))


def test_without_a_file_no_key_is_required() -> None:
    ring = KeyRing(None)
    ring.reload()
    assert not ring.required
    assert ring.name_of("fp_x") is None


def test_a_changed_file_is_taken_over(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_LOOK_AGAIN_S", 0.0)
    old = new_key(file, "old")
    ring = KeyRing(file)
    new = new_key(file, "new")
    assert (ring.name_of(old), ring.name_of(new)) == ("old", "new")
    write(file, file.read_text().splitlines()[1])
    assert (ring.name_of(old), ring.name_of(new)) == (None, "new")


def test_it_does_not_look_at_the_file_for_every_request(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_LOOK_AGAIN_S", 1000.0)
    ring = KeyRing(write(file, f"lab:{'0' * 64}"))
    assert ring.name_of(new_key(file, "new")) is None
    monkeypatch.setattr(ring, "_looked", time.monotonic() - 1001)
    ring.reload()
    assert len(read_keys(file)) == 2


@pytest.mark.parametrize("bad", ["nonsense", None])
def test_a_broken_file_leaves_the_keys_as_they_were(
    file: Path, bad: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    key = new_key(file, "lab")
    ring = KeyRing(file)
    write(file, bad) if bad else file.unlink()
    ring.reload()
    assert ring.name_of(key) == "lab"
    assert "not taken over" in caplog.text


def test_an_emptied_file_shuts_everybody_out(file: Path) -> None:
    key = new_key(file, "lab")
    ring = KeyRing(file)
    write(file, "")
    ring.reload()
    assert ring.required
    assert ring.name_of(key) is None


@pytest.mark.parametrize("name", ["", "a b", "a:b", "-a", "x" * 65, "é"])
def test_a_name_that_is_none(file: Path, name: str) -> None:
    with pytest.raises(KeysUnusable, match="letters"):
        new_key(file, name)
    assert not file.exists()


def test_something_else_is_not_appended_to(file: Path) -> None:
    write(file, "dear diary\n")
    with pytest.raises(KeysUnusable, match="line 1"):
        new_key(file, "lab")
    assert file.read_text() == "dear diary\n"
