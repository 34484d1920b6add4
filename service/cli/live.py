"""`facepulse live`: heart rate from a camera, in a terminal, on this machine or by a server."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from service.cli.codes import OK, UNUSABLE, USAGE, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facepulse import LiveUpdate
    from facepulse.sources import TimedJpeg
    from service.cli.codes import Commands
    from service.pipeline.live_messages import LiveMessages

_T = TypeVar("_T")
_DESCRIPTION = """\
Measure live: once a second the heart rate of the last 10 seconds, how far to trust it, and the pulse wave. The camera's
pictures stay on this machine unless --url names a server. Sit still, with light on the face; the first rate comes after
about 5 seconds, a good one after 10. Ctrl-C ends it."""


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "live",
        help="measure a camera live, in the terminal",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--camera",
        default="0",
        metavar="N",
        help="which camera: its number (default: 0, the first), csi for a Jetson's ribbon camera, a path, an address",
    )
    source.add_argument("--file", type=Path, metavar="FILE", help="a video of yours in place of a camera")
    parser.add_argument(
        "--no-wait", action="store_true", help="with --file, without --url: do not wait for its frames' times"
    )
    parser.add_argument("--model", default="auto", help="a name that `facepulse models` lists (default: auto)")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="end after S seconds of video")
    parser.add_argument("--json", action="store_true", help="print each update as a line of JSON")
    server = parser.add_argument_group("by a server")
    server.add_argument("--url", metavar="URL", help="address of the service, such as http://127.0.0.1:8000")
    server.add_argument("--key-file", type=Path, metavar="FILE", help="a file that holds the API key and nothing else")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure until the frames end, the time is over, or Ctrl-C."""
    if arguments.no_wait and (arguments.url or arguments.file is None):
        print("usage: --no-wait is for --file without --url: a server drops what comes too fast", file=sys.stderr)
        return USAGE
    from facepulse import FacePulseError, SourceUnavailable  # noqa: PLC0415

    show = _printer() if arguments.json else _screen()
    try:
        if arguments.url:
            _measure_there(arguments, show)
        else:
            _measure_here(arguments, show)
    except KeyboardInterrupt:
        pass  # the way to end it
    except SourceUnavailable as error:
        print(f"no_frames: {error}", file=sys.stderr)
        return UNUSABLE
    except FacePulseError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except (ModuleNotFoundError, ValueError) as error:
        print(f"usage: {error}", file=sys.stderr)
        return USAGE
    return OK


def _measure_here(arguments: argparse.Namespace, show: "Callable[[LiveUpdate], None]") -> None:
    from facepulse.live import read_update  # noqa: PLC0415
    from service.cli.local_estimator import local_estimator  # noqa: PLC0415

    session = local_estimator().live(model=arguments.model)
    for told in _told(arguments, session):
        if told not in (None, b"null"):
            show(read_update(told))


def _told(arguments: argparse.Namespace, session: "LiveMessages") -> "Iterator[bytes | None]":
    """Yield what the session says to each frame and at the end. A camera's pictures need no JPEG on their way."""
    from facepulse.live import pack  # noqa: PLC0415
    from facepulse.sources import camera_name, camera_pictures  # noqa: PLC0415

    if arguments.file is None:
        for time_s, bgr in _until(arguments.seconds, camera_pictures(camera_name(arguments.camera))):
            yield session.push_picture(time_s, bgr[..., ::-1])
    else:
        for time_s, jpeg in _frames(arguments):
            yield session.push(pack(time_s, jpeg))
    yield session.push(b"")


def _measure_there(arguments: argparse.Namespace, show: "Callable[[LiveUpdate], None]") -> None:
    import asyncio  # noqa: PLC0415
    from contextlib import aclosing  # noqa: PLC0415

    from facepulse import AsyncClient  # noqa: PLC0415

    key = arguments.key_file.read_text().strip() if arguments.key_file else None

    async def measure() -> None:
        async with (
            AsyncClient(arguments.url, api_key=key) as client,
            aclosing(client.live(_frames(arguments), model=arguments.model)) as updates,
        ):
            async for update in updates:
                show(update)

    asyncio.run(measure())


def _frames(arguments: argparse.Namespace) -> "Iterator[TimedJpeg]":
    from facepulse import camera_frames, file_frames  # noqa: PLC0415
    from facepulse.sources import camera_name  # noqa: PLC0415

    if arguments.file is None:
        frames = camera_frames(camera_name(arguments.camera))
    else:
        frames = file_frames(arguments.file, realtime=not arguments.no_wait)
    return _until(arguments.seconds, frames)


def _until(seconds: float | None, timed: "Iterator[tuple[float, _T]]") -> "Iterator[tuple[float, _T]]":
    for time_s, picture in timed:
        if seconds is not None and time_s > seconds:
            return
        yield time_s, picture


def _screen() -> "Callable[[LiveUpdate], None]":
    from service.cli.terminal import Screen  # noqa: PLC0415

    return Screen().show


def _printer() -> "Callable[[LiveUpdate], None]":
    import json  # noqa: PLC0415
    from dataclasses import asdict  # noqa: PLC0415

    return lambda update: print(json.dumps(asdict(update)), flush=True)
