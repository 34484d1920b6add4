"""`facepulse batch`: measure all videos of a folder, however many, into a manifest that a later run goes on with."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from service.cli.codes import count, folder, output

if TYPE_CHECKING:
    from service.cli.codes import Commands

MANIFEST = "facepulse.jsonl"
_DESCRIPTION = f"""\
Measure every video below a folder into a manifest, {MANIFEST} in that folder: a line per video with the whole result as
the HTTP API gives it, or with the code of its error. A line is on the disk before it counts and is never changed; the
same command again goes on where the last run ended, and measures videos again that were changed since.

A video whose worker dies is tried again; one that is refused by name (no face, no video) is not. The exit code is 1
when a video of this run could not be used."""
_EXAMPLES = """\
examples:
  facepulse batch recordings/ --jobs 4
  facepulse batch recordings/ --retry-failed
  facepulse batch recordings/ --model teacher --out teacher.jsonl
  facepulse batch /shared/recordings --ray 10.0.0.1:6379"""


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "batch",
        help="measure all videos of a folder, resumably",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=folder, metavar="DIR", help="folder of videos; MP4, MOV, MKV, WebM, AVI")
    parser.add_argument(
        "--out", type=partial(output, suffixes=(".jsonl",)), metavar="FILE", help=f"manifest (default: DIR/{MANIFEST})"
    )
    parser.add_argument("--model", default="auto", help="a name that `facepulse models` lists (default: auto)")
    parser.add_argument("--face", choices=("largest", "all"), default="largest", help="whose pulse (default: largest)")
    parser.add_argument("--retry-failed", action="store_true", help="try videos again whose last line is an error")
    parser.add_argument(
        "--attempts", type=count, default=3, metavar="N", help="for a video whose worker dies (default: 3)"
    )
    parser.add_argument(
        "--jobs", type=count, metavar="N", help="videos at the same time (default: usable cores, --ray: twice those)"
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="measure on a Ray cluster, HOST:PORT of its head or `auto`; DIR is shared there",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure what has no line yet."""
    from service.cli.batch_run import run_batch  # noqa: PLC0415

    return run_batch(arguments, arguments.out or arguments.folder / MANIFEST)
