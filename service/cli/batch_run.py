"""The run of `batch`: what has no line in the manifest yet is measured, and this process alone writes the lines."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from service.cli.batch_manifest import BatchManifest, Entry
from service.cli.batch_ray import measure_on_ray
from service.cli.codes import MAX_DURATION_S
from service.cli.local_pool import for_each, local_pool, measure_file
from service.cli.many import check_model, find_videos
from service.cli.report import Report
from service.settings import Settings
from service.wire import VideoTask

Videos = dict[Entry, Path]


def run_batch(arguments: argparse.Namespace, out: Path) -> int:
    """Measure the videos below the folder that have no line yet; 1 when one of them could not be used.

    Raises CommandFailed, UnknownModel or ModelError.
    """
    settings = Settings()
    check_model(settings, arguments.model)
    videos = _videos_below(arguments.folder.absolute(), arguments.model, arguments.face)
    with BatchManifest(out) as manifest:
        todo = {entry: videos[entry] for entry in manifest.todo(videos, retry_failed=arguments.retry_failed)}
        with Report(manifest.add, len(todo)) as report:
            _measure(settings, arguments, todo, report)
    print(report.summary(len(videos) - len(todo)), file=sys.stderr)
    return report.exit_code


def _videos_below(folder: Path, model: str, face: str) -> Videos:
    return {Entry.of(path, folder, model=model, face=face): path for path in find_videos([str(folder)])}


def _task_of(entry: Entry, path: Path) -> VideoTask:
    """Return what a worker is to do for an entry."""
    return VideoTask(str(path), model=entry.model, face=entry.face, max_duration_s=MAX_DURATION_S)


def _measure(settings: Settings, arguments: argparse.Namespace, videos: Videos, report: Report[Entry]) -> None:
    if not videos:
        return
    logging.getLogger("facepulse").addHandler(logging.NullHandler())  # a line says what went wrong
    if arguments.ray is not None:
        tasks = {entry: _task_of(entry, path) for entry, path in videos.items()}
        measure_on_ray(arguments.ray, settings, tasks, report, at_a_time=arguments.jobs, attempts=arguments.attempts)
        return
    jobs = min(arguments.jobs or settings.workers, len(videos))
    asyncio.run(_measure_here(settings, videos, report, jobs=jobs, attempts=arguments.attempts))


async def _measure_here(settings: Settings, videos: Videos, report: Report[Entry], *, jobs: int, attempts: int) -> None:
    """Measure in worker processes of this machine, as many at a time."""
    async with local_pool(settings, jobs) as pool:

        async def measure(entry: Entry) -> None:
            outcome = await measure_file(pool, _task_of(entry, videos[entry]), attempts=attempts)
            report.add(entry, outcome)

        await for_each(list(videos), measure, at_a_time=jobs)
