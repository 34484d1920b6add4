"""`facepulse serve`: start the HTTP service."""

import argparse
from typing import TYPE_CHECKING

from service.cli.codes import OK

if TYPE_CHECKING:
    from service.cli.codes import Commands


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve",
        help="start the HTTP service; settings come from the environment",
        description="Start the HTTP service. Settings come from the environment, FACEPULSE_<NAME>; `facepulse doctor` "
        "checks them. Ctrl-C or SIGTERM ends it once the requests in flight are answered.",
    )
    parser.add_argument("--host", help="address to listen on, instead of FACEPULSE_HOST")
    parser.add_argument("--port", type=int, help="port to listen on, instead of FACEPULSE_PORT")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from service.main import run as serve  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    chosen = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    serve(Settings(**chosen))
    return OK
