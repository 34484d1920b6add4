"""Exit codes, what ends a command with one, and the kinds of arguments that several commands take."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

OK, UNUSABLE, USAGE, INTERRUPTED = 0, 1, 2, 130
MAX_DURATION_S = 2 * 3600.0  # at home nobody else waits: as long as a job of the service

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class CommandFailed(Exception):
    """Ends a command: `code` and a sentence, the text of the error, go to stderr, `exit_code` to the shell."""

    code = "unusable"
    exit_code = UNUSABLE


def seconds(text: str) -> float:
    """Read a number of seconds, 0 or more."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds, 0 or more")
    return value


def count(text: str) -> int:
    """Read a whole number, 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return value


def output(text: str, suffixes: tuple[str, ...]) -> Path:
    """Read the name of a file to write, in a folder that exists."""
    path = Path(text)
    if path.suffix.lower() not in suffixes or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be the name of a {' or '.join(suffixes)} file in a folder that exists")
    return path


def folder(text: str) -> Path:
    """Read the name of a folder that exists."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError("must be a folder that exists")
    return path
