"""The command `facepulse`: serve, estimate, batch, live, models, benchmark, doctor, health, keys; one module each.

Exit codes: 0 done, 1 a video, a model or this machine cannot be used (`code: detail` on stderr), 2 wrong usage,
130 interrupted by Ctrl-C.
Whatever is slow to import is imported by the command that needs it, so that --help is quick.
"""

from service.cli.command import main, make_parser

__all__ = ["main", "make_parser"]
