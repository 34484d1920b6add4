"""Reads the command line, runs the command, and turns what goes wrong into a line on stderr and an exit code."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from service.cli import batch, benchmark, doctor, estimate, health, keys, live, models, serve
from service.cli.codes import INTERRUPTED, UNUSABLE, USAGE, CommandFailed

if TYPE_CHECKING:
    from pydantic import ValidationError

Command = Callable[[argparse.Namespace], int]
_EXIT_CODES = "Exit codes: 0 done; 1 a video, a model or this machine cannot be used; 2 wrong usage; 130 interrupted."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; wrong usage leaves through argparse with 2."""
    arguments = make_parser().parse_args(argv)
    command: Command = arguments.command
    import pydantic  # noqa: PLC0415

    from service.pipeline.errors import FacePulseError, UnknownModel  # noqa: PLC0415

    try:
        return command(arguments)
    except CommandFailed as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return error.exit_code
    except pydantic.ValidationError as error:
        print(f"settings_invalid: {setting_faults(error)}", file=sys.stderr)
        return USAGE
    except FacePulseError as error:
        print(f"{error.code}: {error.detail}", file=sys.stderr)
        return USAGE if isinstance(error, UnknownModel) else UNUSABLE
    except OSError as error:
        print(f"file_error: {error.strerror or 'a file cannot be read or written'}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def setting_faults(error: "ValidationError") -> str:
    """Name the settings that do not fit and what is wrong with each."""
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="facepulse",
        description="Heart rate from a video of a face. Not a medical device.",
        epilog=f"{_EXIT_CODES} `facepulse COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"facepulse {version('facepulse')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (serve, estimate, batch, live, models, benchmark, doctor, health, keys):
        command.add_to(commands)
    return parser
