"""`facepulse keys`: make an API key, or list the names of those there are."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.codes import OK, USAGE

if TYPE_CHECKING:
    from service.cli.codes import Commands


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "keys",
        help="make API keys",
        description="API keys of the service. The file keeps names and hashes only; a running service reads it anew "
        "when it changes. To take a key away, delete its line.",
    )
    actions = parser.add_subparsers(dest="action", title="actions", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make a key, show it once, keep its hash")
    new.add_argument("name", metavar="NAME", help="whose key it is: letters, digits, `.`, `_`, `-`")
    for action in (new, actions.add_parser("list", help="show the names")):
        action.add_argument("--file", type=Path, metavar="FILE", help="the key file, instead of FACEPULSE_KEYS_FILE")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the new key, or a name per line."""
    from service.keys import KeysUnusable, new_key, read_keys  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    path = arguments.file or Settings().keys_file
    if path is None:
        print("keys_unusable: name a key file with --file or FACEPULSE_KEYS_FILE", file=sys.stderr)
        return USAGE
    try:
        lines = [new_key(path, arguments.name)] if arguments.action == "new" else [k.name for k in read_keys(path)]
    except KeysUnusable as error:
        print(f"keys_unusable: {error}", file=sys.stderr)
        return USAGE
    print("".join(f"{line}\n" for line in lines), end="")
    return OK
