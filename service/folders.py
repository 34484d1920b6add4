"""Folders that belong to the service alone."""

import os
import stat
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder that only the service's user may enter (0700), or make one that is there so.

    Raises OSError; PermissionError if it is a link, somebody else's, or a place where everybody writes.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError("the data folder is a link or belongs to somebody else")
    if status.st_mode & stat.S_IWOTH:  # /tmp itself, say, which must not be shut to the others
        raise PermissionError("everybody may write to the data folder; name one for the service alone")
    folder.chmod(0o700)
