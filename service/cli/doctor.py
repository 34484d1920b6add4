"""`facepulse doctor`: would the service work here, and if not, why not and what to do."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from service.cli.codes import OK, UNUSABLE

if TYPE_CHECKING:
    from service.cli.checks import Finding
    from service.cli.codes import Commands
    from service.settings import Settings

_DESCRIPTION = """\
Check what the service needs, with the settings of this environment: settings, models and their hashes, decoders, cores,
memory, resource limits, data folder, keys, port, optional packages; then measure the bundled clip in a worker process
under the very limits of the service. Run it as the user, and in the container, that the service runs in. Exit code 1
when something would keep the service from working."""
_SIGNS = {"ok": "ok   ", "note": "note ", "bad": "BAD  "}


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="check settings, models and limits, and say what is wrong",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--quick", action="store_true", help="leave out the measurement of the bundled clip")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings as they come."""
    found = []
    for finding in examine(warm_up=not arguments.quick):
        found.append(finding)
        if not arguments.json:
            print(_in_words(finding), flush=True)
    bad = sum(finding.state == "bad" for finding in found)
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        print(f"\n{bad} of these would keep the service from working" if bad else "\nthe service can work here")
    return UNUSABLE if bad else OK


def examine(*, warm_up: bool) -> Iterator["Finding"]:
    """Yield every finding; of settings that do not fit only those."""
    import pydantic  # noqa: PLC0415

    from service.cli.checks import CHECKS, Finding  # noqa: PLC0415
    from service.settings import PREFIX, Settings  # noqa: PLC0415

    try:
        settings = Settings()
    except pydantic.ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            name = PREFIX + ".".join(map(str, fault["loc"])).upper()
            yield Finding("bad", "settings", f"{name}: {fault['msg']}", "docs/settings.md says what fits")
        return
    bad_models = False
    for check in CHECKS:
        for finding in check(settings):
            bad_models |= finding.topic == "models" and finding.state == "bad"
            yield finding
    if warm_up and not bad_models:
        yield _measurement(settings)


def _measurement(settings: "Settings") -> "Finding":
    """Measure the bundled clip in a worker."""
    import asyncio  # noqa: PLC0415
    import time  # noqa: PLC0415

    from service.cli.bundled import bundled_clip  # noqa: PLC0415
    from service.cli.checks import Finding  # noqa: PLC0415
    from service.cli.local_pool import measure_clip  # noqa: PLC0415
    from service.worker_handle import PoolError  # noqa: PLC0415

    clip = bundled_clip()
    if clip is None:
        return Finding("note", "measurement", "this installation came without the bundled clip, none was measured")
    began = time.monotonic()
    try:
        result = asyncio.run(measure_clip(settings, clip))
    except PoolError as error:
        remedy = "see the findings above; if there are none, raise FACEPULSE_WORKER_MEMORY_MB and look at the log"
        return Finding("bad", "measurement", f"{error.code}: {error.detail}", remedy)
    said = f"{result.bpm:.1f} bpm with confidence {result.confidence:.2f}, {time.monotonic() - began:.1f} s with start"
    if result.status != "ok":
        return Finding(
            "bad", "measurement", f"of low quality: {said}", "the models or the decoder are not the released ones"
        )
    return Finding("ok", "measurement", said)


def _in_words(finding: "Finding") -> str:
    said = f"{_SIGNS[finding.state]}{finding.topic:<13}{finding.said}"
    return f"{said}\n{'':18}-> {finding.remedy}" if finding.remedy else said
