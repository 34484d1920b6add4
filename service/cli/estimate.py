"""`facepulse estimate`: measure one video, or many of them into a table."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.codes import MAX_DURATION_S, OK, USAGE, count, output, seconds

if TYPE_CHECKING:
    from service.cli.codes import Commands
    from service.pipeline.progress import Progress

_DESCRIPTION = """\
Measure the heart rate in videos on this machine, without a server.

One file is told in words, or with --json as the HTTP API would. Several files, a folder, a "glob" in quotes, or --out
give a row per video: CSV, or JSON lines with the whole result. With --out, rows are appended as they come, and videos
that the file already holds are passed over: start the same command again to resume. A video that cannot be used gets a
row with its error; the others go on, and the exit code is 1 at the end."""
_EXAMPLES = """\
examples:
  facepulse estimate me.mp4 --json --plot me.png
  facepulse estimate recordings/ --out rates.csv --jobs 4
  facepulse estimate "day1/**/*.mp4" --format jsonl > rates.jsonl"""


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "estimate",
        help="measure videos: files, folders, globs",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help='file, folder or "glob"; MP4, MOV, MKV, WebM, AVI')
    parser.add_argument("--model", default="auto", help="a name that `facepulse models` lists (default: auto)")
    parser.add_argument("--face", choices=("largest", "all"), default="largest", help="whose pulse (default: largest)")
    parser.add_argument("--start-s", type=seconds, default=0.0, metavar="S", help="skip the first S seconds")
    parser.add_argument("--duration-s", type=seconds, metavar="S", help="look at S seconds only")
    one = parser.add_argument_group("one video")
    one.add_argument("--json", action="store_true", help="print the same fields as the HTTP API")
    one.add_argument("--plot", type=partial(output, suffixes=(".png",)), metavar="OUT.png", help="draw the result")
    many = parser.add_argument_group("many videos")
    many.add_argument(
        "--out", type=partial(output, suffixes=(".csv", ".jsonl")), metavar="FILE", help=".csv or .jsonl; resumed"
    )
    many.add_argument("--format", choices=("csv", "jsonl"), help="of the rows on standard output (default: csv)")
    many.add_argument("--jobs", type=count, metavar="N", help="videos at the same time (default: usable cores)")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure one video, or many."""
    if _is_one(arguments):
        return _measure_one(arguments, Path(arguments.videos[0]))
    if arguments.json or arguments.plot:
        print("usage: --json and --plot are for one video; for many use --out FILE.jsonl", file=sys.stderr)
        return USAGE
    from service.cli.many import measure_many  # noqa: PLC0415

    return measure_many(arguments)


def _is_one(arguments: argparse.Namespace) -> bool:
    if len(arguments.videos) > 1 or arguments.out or arguments.format or arguments.jobs:
        return False
    path = Path(arguments.videos[0])
    return not path.is_dir() and (path.exists() or not any(mark in path.name for mark in "*?["))


def _measure_one(arguments: argparse.Namespace, path: Path) -> int:
    from service.api.schemas import HeartRateResult  # noqa: PLC0415
    from service.cli.local_estimator import local_estimator  # noqa: PLC0415
    from service.cli.words import in_words  # noqa: PLC0415
    from service.pipeline.types import DecodeLimits  # noqa: PLC0415
    from service.plot import PlotUnavailable, require_matplotlib, save_plot  # noqa: PLC0415

    if arguments.plot:
        try:
            require_matplotlib()  # before the work, not after it
        except PlotUnavailable as error:
            print(f"plot_unavailable: {error}", file=sys.stderr)
            return USAGE
    path.open("rb").close()  # a missing or unreadable file is said in the system's own words
    estimator = local_estimator()
    with _Bar() as progress:
        estimate = estimator.estimate(
            path,
            model=arguments.model,
            face=arguments.face,
            start_s=arguments.start_s,
            duration_s=arguments.duration_s,
            limits=DecodeLimits(max_duration_s=MAX_DURATION_S),
            progress=progress,
        )
    result = HeartRateResult.from_estimate(estimate, all_faces=arguments.face == "all")
    print(result.to_json(indent=2) if arguments.json else in_words(result))
    if arguments.plot:
        save_plot(result, arguments.plot)
    return OK


class _Bar:
    """A bar on stderr when that is a terminal, with the heart rate so far."""

    def __init__(self) -> None:
        from tqdm import tqdm  # noqa: PLC0415

        self._bar = tqdm(
            total=100, leave=False, disable=None, bar_format="{percentage:3.0f} % |{bar}| {elapsed}{postfix}"
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, progress: "Progress") -> None:
        if progress.bpm is not None:
            self._bar.set_postfix_str(f"{progress.bpm:.0f} bpm so far", refresh=False)
        self._bar.update(100 * progress.share - self._bar.n)
