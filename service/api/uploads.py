"""Where uploads lie while they are worked on: private files that we named, gone after every outcome.

Each running service holds a lock in a folder of its own below the data folder; at start, folders whose lock nobody
holds are leftovers of a service that was killed, and are removed.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from service.api.problems import RequestRefused
from service.folders import make_private

_LOG = logging.getLogger("facepulse.uploads")
_LOCK = "lock"
_BUFFER_BYTES = 1 << 20


class UploadFolder:
    """A private folder (0700) for the uploads of one running service."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and remove leftovers.

        Raises OSError; PermissionError if it is a link, somebody else's, or a place where everybody writes.
        """
        self.path = folder / f"uploads-{secrets.token_hex(8)}"
        self._lock = self._settle()

    def _settle(self) -> int:
        """Remove leftovers, make the folder and return its lock."""
        make_private(self.path.parent)
        with _alone_in(self.path.parent):
            for leftover in self.path.parent.glob("uploads-*"):
                _remove_if_abandoned(leftover)
            self.path.mkdir(mode=0o700)
            lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    @contextlib.asynccontextmanager
    async def new_file(self) -> AsyncIterator["UploadFile"]:
        """Open a new file for writing (0600, random name); it is deleted at the end of the block.

        Raises RequestRefused when there is no room, or no folder and none can be made.
        """
        try:
            file = self._open_file()
        except OSError as error:
            _LOG.error("no file for an upload could be made", extra={"why": error.strerror})
            raise RequestRefused("storage_full") from error
        try:
            yield file
        finally:
            file.close()
            file.path.unlink(missing_ok=True)

    def _open_file(self) -> "UploadFile":
        try:
            return UploadFile(self.path / secrets.token_hex(16))
        except FileNotFoundError:  # whoever tidies up temporary folders took ours
            old, self._lock = self._lock, self._settle()
            os.close(old)
            return UploadFile(self.path / secrets.token_hex(16))

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


class UploadFile:
    """A file being received; writes are gathered and leave the event loop free while the disk works."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._buffer = bytearray()
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def append(self, data: bytes) -> None:
        """Take bytes; they reach the disk with the next `flush`."""
        self._buffer += data
        self.size += len(data)

    async def flush(self, *, everything: bool = False) -> None:
        """Write what was gathered if it is much, or `everything`. Raises RequestRefused when the disk is full."""
        if self._buffer and (everything or len(self._buffer) >= _BUFFER_BYTES):
            data, self._buffer = self._buffer, bytearray()
            try:
                await asyncio.shield(asyncio.to_thread(_write_all, os.dup(self._fd), data))
            except OSError as error:
                raise RequestRefused("storage_full") from error

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _write_all(fd: int, data: bytearray) -> None:
    """Write to a file descriptor of its own: the request may end, and close its file, while the disk still works."""
    with open(fd, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let services that start at once pass one by one: until it has its lock, a new folder looks like a leftover."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
