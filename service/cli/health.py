"""`facepulse health`: is the service on this machine ready? For the health checks of containers."""

import argparse
import http.client
import json
import sys
from typing import TYPE_CHECKING

from service.cli.codes import OK, UNUSABLE

if TYPE_CHECKING:
    from service.cli.codes import Commands

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # addresses to listen on, and where to ask then


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "health",
        help="ask the running service whether it is ready",
        description="Asks /readyz at FACEPULSE_HOST and FACEPULSE_PORT. Exit code 0: ready, 1: not.",
    )
    parser.add_argument("--timeout-s", type=float, default=4.0, metavar="S", help="longest wait (default: 4)")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the service's state."""
    from service.settings import Settings  # noqa: PLC0415

    settings = Settings()
    connection = http.client.HTTPConnection(
        _EVERYWHERE.get(settings.host, settings.host), settings.port, timeout=arguments.timeout_s
    )
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        state = str(json.loads(response.read())["status"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        print("unreachable: no service answers there", file=sys.stderr)
        return UNUSABLE
    finally:
        connection.close()
    print(state)
    return OK if response.status == http.client.OK else UNUSABLE
