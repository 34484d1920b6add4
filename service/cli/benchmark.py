"""`facepulse benchmark`: what measuring costs on this machine, per model and stage, beside decoding alone."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.codes import OK, UNUSABLE, count

if TYPE_CHECKING:
    from service.cli.codes import Commands
    from service.cli.speed import Cost
    from service.pipeline.answers import Estimate

_DESCRIPTION = """\
Measure a clip with every model, one thread each, and say what that costs: milliseconds per frame by stage, and the
processor time as a multiple of decoding alone (the floor under every program that measures a video). "x real time" is
how many seconds of video one core measures per second; divide it by two for a machine that has other things to do.
The stage `decode` overlaps the others and shows only what they wait for it."""
STAGES = ("decode", "face", "clip", "infer", "pulse")


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "benchmark",
        help="this machine's speed per model and stage",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "clip", nargs="?", type=Path, metavar="CLIP", help="a video of yours (default: the bundled one)"
    )
    parser.add_argument("--model", action="append", metavar="NAME", help="only this one; may be given several times")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="the cheapest of N counts (default: 3)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from service.cli.bundled import bundled_clip  # noqa: PLC0415

    clip = arguments.clip or bundled_clip()
    if clip is None:
        print("no_clip: name a clip of yours; this installation came without one", file=sys.stderr)
        return UNUSABLE
    figures = measure_speed(clip, arguments.model, arguments.rounds)
    print(json.dumps(figures, indent=2) if arguments.json else as_table(figures))
    return OK


def measure_speed(clip: Path, models: list[str] | None, rounds: int) -> dict[str, Any]:
    """Return the figures of the table. Raises InputError, UnknownModel or ModelError."""
    from tqdm import tqdm  # noqa: PLC0415

    from service.cli.local_estimator import local_estimator  # noqa: PLC0415
    from service.cli.speed import cost_of, decode_only, measure  # noqa: PLC0415
    from service.settings import usable_cores  # noqa: PLC0415

    estimator = local_estimator()
    names = models or list(estimator.names)
    first = measure(estimator, clip, names[0])()  # opens what is opened once, and says at once what does not fit
    for name in names:
        estimator.model(name)
    floor = cost_of(lambda: decode_only(clip), rounds)
    costs = {
        name: cost_of(measure(estimator, clip, name), rounds)
        for name in tqdm(names, unit="model", leave=False, disable=None)
    }
    return {
        "clip": _clip_facts(first),
        "cores": usable_cores(),
        "decode_only": {"cpu_s": round(floor.cpu_s, 3), "wall_s": round(floor.wall_s, 3)},
        "models": {name: _figures(cost, floor) for name, cost in costs.items()},
    }


def _clip_facts(estimate: "Estimate") -> dict[str, Any]:
    video = estimate.video
    return {
        "duration_s": round(video.duration_s, 3),
        "frames": video.frames,
        "width": video.width,
        "height": video.height,
        "codec": video.codec,
    }


def _figures(cost: "Cost", floor: "Cost") -> dict[str, Any]:
    estimate: Estimate = cost.outcome
    video, rate = estimate.video, estimate.faces[0].heart_rate
    return {
        "ms_per_frame": {stage: round(1000 * estimate.timing_s.get(stage, 0.0) / video.frames, 4) for stage in STAGES},
        "cpu_s": round(cost.cpu_s, 3),
        "wall_s": round(cost.wall_s, 3),
        "times_decode": round(cost.cpu_s / floor.cpu_s, 2),
        "times_real_time": round(video.duration_s / cost.cpu_s, 1),
        "bpm": round(rate.bpm, 2),
        "confidence": round(rate.confidence, 4),
    }


def as_table(figures: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    clip, floor = figures["clip"], figures["decode_only"]
    said = [
        f"clip         {clip['duration_s']:.1f} s, {clip['width']}x{clip['height']}, {clip['frames']} frames, "
        f"{clip['codec']}; {figures['cores']} usable cores",
        f"decode only  {floor['cpu_s']:.2f} s CPU, {1000 * floor['cpu_s'] / clip['frames']:.2f} ms per frame",
        "",
        f"{'':14}{'milliseconds per frame':^{8 * len(STAGES)}}",
        f"{'model':14}{''.join(f'{stage:>8}' for stage in STAGES)}{'CPU s':>8}{'x decode':>10}{'x real time':>13}",
    ]
    for name, row in figures["models"].items():
        stages = "".join(f"{row['ms_per_frame'][stage]:8.3f}" for stage in STAGES)
        said.append(f"{name:14}{stages}{row['cpu_s']:8.2f}{row['times_decode']:10.2f}{row['times_real_time']:13.1f}")
    return "\n".join(said)
