"""What can be wrong with a folder of recordings, as one tree; each names the file.

DatasetInvalid
├── FilesMissing      what belongs there is not: `paths` are those files
└── FileMalformed     a file is there and is not what its format says
"""

from collections.abc import Sequence
from pathlib import Path

_NAMED = 5


class DatasetInvalid(Exception):
    """A folder of recordings cannot be used; `path` is the folder or file, and the message begins with it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path


class FilesMissing(DatasetInvalid):
    """Files that belong to recordings are not there; `paths` holds all of them, the message the first few."""

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        named = ", ".join(str(path.relative_to(folder)) for path in paths[:_NAMED])
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        super().__init__(folder, f"missing: {named}{more}")
        self.paths = tuple(paths)


class FileMalformed(DatasetInvalid):
    """A file is not what its format says."""
