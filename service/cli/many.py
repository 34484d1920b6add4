"""`facepulse estimate` on many videos: in the service's own worker processes, so that none can harm the others."""

import argparse
import asyncio
import glob
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from service.cli.codes import MAX_DURATION_S, CommandFailed
from service.cli.local_estimator import local_estimator
from service.cli.local_pool import Measured, for_each, local_pool, measure_file
from service.cli.report import Report
from service.cli.rows import Format, header, name_of, open_to_resume, row_text
from service.settings import Settings
from service.wire import VideoTask

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})


class NoVideos(CommandFailed):
    """There is nothing to measure."""

    code = "no_videos"

    def __init__(self) -> None:
        super().__init__("no video was found there")


def measure_many(arguments: argparse.Namespace) -> int:
    """Measure all videos into a table; 1 when one of them could not be used.

    Raises CommandFailed, UnknownModel or ModelError.
    """
    settings = Settings()
    check_model(settings, arguments.model)
    videos = find_videos(arguments.videos)
    with _table(arguments) as (table, form, done):
        todo = [path for path in videos if name_of(path) not in done]

        def write(path: Path, outcome: Measured) -> None:
            table.write(row_text(form, name_of(path), outcome))
            table.flush()

        with Report(write, len(todo)) as report:
            asyncio.run(_measure_all(settings, arguments, todo, report.add))
    print(report.summary(len(videos) - len(todo)), file=sys.stderr)
    return report.exit_code


def find_videos(names: list[str]) -> list[Path]:
    """Return the videos that files, folders and globs name, each once, in order; what is not there is kept as it is.

    Of a folder, everything below it that has the suffix of a video and no hidden name. Raises NoVideos.
    """
    found = [path for name in names for path in _expand(name)]
    if not found:
        raise NoVideos
    return list({path.absolute(): path for path in found}.values())


def _expand(name: str) -> Iterator[Path]:
    path = Path(name)
    matches = [path] if path.exists() else [Path(match) for match in sorted(glob.glob(name, recursive=True))]
    if not matches and not glob.has_magic(name):
        yield path
    for match in matches:
        yield from _videos_in(match) if match.is_dir() else [match]


def _videos_in(folder: Path) -> list[Path]:
    below = ((path, path.relative_to(folder)) for path in folder.rglob("*"))
    return sorted(
        path
        for path, inside in below
        if path.suffix.lower() in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in inside.parts)
    )


class _table:  # noqa: N801, reads as the function that it would be
    """Opens where the rows go: the file to resume, or standard output."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._path: Path | None = arguments.out
        suffix = "" if self._path is None else self._path.suffix.lower()
        self._form: Format = "jsonl" if ".jsonl" in (suffix, f".{arguments.format}") else "csv"

    def __enter__(self) -> tuple[TextIO, Format, set[str]]:
        if self._path is None:
            sys.stdout.write(header(self._form))
            return sys.stdout, self._form, set()
        self._file, done = open_to_resume(self._path, self._form)
        return self._file, self._form, done

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            self._file.close()


def check_model(settings: Settings, name: str) -> None:
    """Raise UnknownModel or ModelError now and not once per video."""
    local_estimator(settings).resolve(name)


async def _measure_all(
    settings: Settings, arguments: argparse.Namespace, videos: list[Path], report: Callable[[Path, Measured], None]
) -> None:
    """Measure the videos, as many at a time as there are workers."""
    if not videos:
        return
    logging.getLogger("facepulse").addHandler(logging.NullHandler())  # a row says what went wrong
    jobs = min(arguments.jobs or settings.workers, len(videos))
    async with local_pool(settings, jobs) as pool:

        async def measure(path: Path) -> None:
            report(path, await measure_file(pool, _task(path, arguments)))

        await for_each(videos, measure, at_a_time=jobs)


def _task(path: Path, arguments: argparse.Namespace) -> VideoTask:
    return VideoTask(
        str(path.absolute()),
        model=arguments.model,
        face=arguments.face,
        start_s=arguments.start_s,
        duration_s=arguments.duration_s,
        max_duration_s=MAX_DURATION_S,
    )
