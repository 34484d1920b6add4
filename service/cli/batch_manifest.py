"""The manifest of `batch`: a JSON line per video, appended and on the disk before the next one, never changed.

Of a video the last line counts that was written for it as it is now: same size, same time of change, same options.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

from service.cli.codes import CommandFailed
from service.cli.local_pool import Measured
from service.cli.rows import Failure, OtherTable, name_of

_BEGIN = b'{"file": '


class ManifestInUse(CommandFailed):
    """Another run writes to this manifest."""

    code = "manifest_in_use"


@dataclass(frozen=True, slots=True)
class Entry:
    """A video below the folder and what is asked of it. Size in bytes, time of change in ns since 1970; 0 if unknown.

    file: the path from the folder on, what is no valid text in it escaped. model: as asked for; `auto` is a name, too.
    """

    file: str
    size: int
    mtime_ns: int
    model: str
    face: str

    @classmethod
    def of(cls, path: Path, folder: Path, *, model: str, face: str) -> Self:
        """Describe a video as it lies there now."""
        size, mtime_ns = 0, 0
        with contextlib.suppress(OSError):  # measuring it will say what is wrong
            status = path.stat()
            size, mtime_ns = status.st_size, status.st_mtime_ns
        return cls(name_of(path).removeprefix(f"{name_of(folder).rstrip('/')}/"), size, mtime_ns, model, face)


class BatchManifest:
    """An open manifest; only one run at a time may have it open. Raises ManifestInUse, OtherTable or OSError.

    A last line that was cut off, by a crash or a full disk, does not count and makes room for the next.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)  # health data
        self._file = os.fdopen(descriptor, "rb+", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._failed, end = _read(path)
            self._file.truncate(end)
        except BlockingIOError as error:
            self._file.close()
            raise ManifestInUse(f"another run writes to {path.name}") from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def todo(self, entries: Iterable[Entry], *, retry_failed: bool) -> Iterator[Entry]:
        """Yield the entries that have no line yet, and on demand those whose line is a failure."""
        for entry in entries:
            failed = self._failed.get(entry)
            if failed is None or (failed and retry_failed):
                yield entry

    def add(self, entry: Entry, outcome: Measured) -> None:
        """Write what became of a video, and wait until the disk has it. Raises OSError."""
        _write_all(self._file, line_of(entry, outcome))
        os.fsync(self._file.fileno())


def line_of(entry: Entry, outcome: Measured) -> bytes:
    """Return the line of a video: `result` is what the API answers, `error` a code and a sentence."""
    head = json.dumps(asdict(entry) | {"status": "failed" if isinstance(outcome, Failure) else outcome.status})
    tail = (
        f'"error": {json.dumps(asdict(outcome))}' if isinstance(outcome, Failure) else f'"result": {outcome.to_json()}'
    )
    return f"{head[:-1]}, {tail}}}\n".encode()


def _read(path: Path) -> tuple[dict[Entry, bool], int]:
    """Return what has a line, with whether it failed, and how many bytes whole lines take. Raises OtherTable."""
    failed: dict[Entry, bool] = {}
    end = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                _check_cut(line, path)
                break
            entry, status = _entry_of(line, path)
            failed[entry] = status == "failed"
            end += len(line)
    return failed, end


def _check_cut(line: bytes, path: Path) -> None:
    """Raise OtherTable for an unfinished line that is no beginning of ours; a crash may leave zeros instead."""
    begun = line[: len(_BEGIN)].rstrip(b"\0")
    if not _BEGIN.startswith(begun):
        raise OtherTable(path, "its last line is none of this command's")


def _entry_of(line: bytes, path: Path) -> tuple[Entry, str]:
    try:
        told = json.loads(line)
        return Entry(**{name: told[name] for name in Entry.__dataclass_fields__}), str(told["status"])
    except (ValueError, KeyError, TypeError) as error:
        raise OtherTable(path, "a line of it is none of this command's") from error


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
