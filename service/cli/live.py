"""`facepulse live`: heart rate from a camera, in a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.cli.codes import Commands


def add_to(commands: "Commands") -> None:
    """Add the command."""
    commands.add_parser("live", help="measure a camera in the terminal")
