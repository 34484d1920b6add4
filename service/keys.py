"""API keys: a file of names and hashes, read anew when it changes; `facepulse keys new NAME` writes it.

One key per line, `name:sha256hex`; empty lines and lines that begin with `#` are left out. A name may stand on several
lines, so that a new key can be handed out before the old one is taken away.

A key has 256 random bits, so a plain SHA-256 of it is right: there is nothing to guess that a slow hash would have to
protect, and a slow one would only let strangers keep the service busy.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger("facepulse.keys")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_LINE = re.compile(rf"({_NAME.pattern}):([0-9a-f]{{64}})", re.ASCII)
_KEY_BYTES = 32
_PREFIX = "fp_"  # tells people, and programs that look for leaked secrets, what it is
_LARGEST_FILE = 1_000_000
_LOOK_AGAIN_S = 1.0


class KeysUnusable(Exception):
    """The key file cannot be used; the message says why, without any of its content."""


@dataclass(frozen=True, slots=True)
class NamedHash:
    """One line of the file: the key's name and the SHA-256 of the key."""

    name: str
    digest: bytes


def hash_key(key: str) -> bytes:
    """Return the SHA-256 of a key, 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


def parse_keys(text: str) -> tuple[NamedHash, ...]:
    """Read the file's text. Raises KeysUnusable, naming the line."""
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        match = _LINE.fullmatch(content)
        if match is None:
            raise KeysUnusable(f"line {number} of the key file is not `name:sha256hex`")
        keys.append(NamedHash(match[1], bytes.fromhex(match[2])))
    return tuple(keys)


def read_keys(path: Path) -> tuple[NamedHash, ...]:
    """Read a key file. Raises KeysUnusable when it cannot be read, others may write to it, or a line is wrong."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            _check(status)
            return parse_keys(file.read(_LARGEST_FILE).decode("ascii"))
    except OSError as error:
        raise KeysUnusable(f"the key file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeysUnusable("the key file is not plain ASCII text") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, but wait for no named pipe that stands in its place: all requests would wait with us."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check(status: os.stat_result) -> None:
    """Refuse a file in which others could put a key of theirs; that they can read hashes harms nothing."""
    if not stat.S_ISREG(status.st_mode):
        raise KeysUnusable("the key file is not a regular file")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeysUnusable("others may write to the key file; `chmod go-w` it")
    if status.st_size > _LARGEST_FILE:
        raise KeysUnusable("the key file is too large to be one")


class KeyRing:
    """The keys that are good now; made without a file it asks for none."""

    def __init__(self, path: Path | None) -> None:
        """Read the file. Raises KeysUnusable, also when it holds no key."""
        self._path = path
        self._keys: tuple[NamedHash, ...] = ()
        self._seen: object = None
        self._looked = time.monotonic()
        if path is not None:
            self._seen = _signature(path)
            self._keys = read_keys(path)
            if not self._keys:
                raise KeysUnusable("the key file holds no key; `facepulse keys new NAME` makes one")

    @property
    def required(self) -> bool:
        """Whether callers need a key; stays so when the last key is taken out of the file."""
        return self._path is not None

    def name_of(self, key: str) -> str | None:
        """Return the name of a key, None for one that is not in the file.

        Every hash is compared, in constant time each, so that the time taken says nothing of which keys there are.
        """
        self._look()
        given, found = hash_key(key), None
        for known in self._keys:
            if hmac.compare_digest(known.digest, given):
                found = known.name
        return found

    def reload(self) -> None:
        """Read the file again; one that cannot be used is logged and the keys stay as they were."""
        if self._path is None:
            return
        self._seen = _signature(self._path)
        try:
            self._keys = read_keys(self._path)
        except KeysUnusable as error:
            _LOG.error("the key file was not taken over", extra={"why": str(error)})
        else:
            _LOG.info("keys read", extra={"keys": len(self._keys)})

    def _look(self) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked < _LOOK_AGAIN_S:
            return
        self._looked = now
        if _signature(self._path) != self._seen:
            self.reload()


def _signature(path: Path) -> object:
    """Return what changes when the file does; None when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size


def new_key(path: Path, name: str) -> str:
    """Make a key, append its hash to the file (made with mode 0600 if there is none) and return the key.

    Raises KeysUnusable for a name that is none or a file that cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise KeysUnusable("a name is 1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit")
    key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            _check(os.fstat(descriptor))
            text = file.read(_LARGEST_FILE).decode("ascii")
            parse_keys(text)  # an append to something else would destroy it
            line_end = "" if not text or text.endswith("\n") else "\n"
            file.write(f"{line_end}{name}:{hash_key(key).hex()}\n".encode())
    except OSError as error:
        raise KeysUnusable(f"the key file cannot be written: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeysUnusable("the key file is not plain ASCII text") from error
    return key
