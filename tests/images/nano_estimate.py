"""From instructions to frames per second on a Jetson Nano: the arithmetic and the tables of nano.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isclose

CLOCK_HZ = 1.43e9  # each of the board's four Cortex-A57 at 10 W
# Instructions per cycle, assumed: the core decodes three at most (LLVM's model of it, AArch64SchedA57.td). 7-Zip, which
# waits for memory much more than we do, is known to reach 0.88 on all four cores of a Nano at once: 5060 of its MIPS
# (sbc-bench, Results.md).
SLOW_IPC, FAST_IPC = 0.8, 1.6
CAMERA_FPS = 30
PAPER_FPS = {"teacher": 2.0, "student": 20.0}  # Hwang, Park, Lee 2023: 0.50 and 0.05 s per frame with preprocessing
MODELS = ("student", "teacher", "mobilenetv3", "temporal")
LINEAR = 0.05
Counts = Mapping[str, Mapping[int, float]]


def per_frame(counts: Mapping[int, float]) -> float:
    """Return millions of instructions per further frame, from how many the first N frames took, for three N.

    Raises ValueError when they do not grow in step with N: then something else was counted, a thread that spins, say.
    """
    points = sorted(counts.items())
    if len(points) < 3:
        raise ValueError("three lengths are wanted")
    slopes = [(b - a) / (n - m) for (m, a), (n, b) in pairwise(points)]
    (first, begin), (last, end) = points[0], points[-1]
    mean = (end - begin) / (last - first)
    if not all(isclose(slope, mean, rel_tol=LINEAR) for slope in slopes):
        raise ValueError(f"not in step with the frames: {slopes} million instructions per frame")
    return mean


@dataclass(frozen=True)
class Cost:
    """What a frame costs, in millions of instructions."""

    millions: float

    def ms(self, ipc: float) -> float:
        """Return the milliseconds of one core."""
        return self.millions * 1e9 / (CLOCK_HZ * ipc)

    def fps(self, ipc: float) -> float:
        """Return how many frames per second one core does."""
        return 1000 / self.ms(ipc)

    def share(self, ipc: float, fps: float = CAMERA_FPS) -> float:
        """Return the share of one core that a camera of so many frames per second takes."""
        return fps / self.fps(ipc)


def recorded(counts: Counts, model: str) -> Cost:
    """Return what a frame of a recorded video costs with a model, from the file to the heart rate."""
    stages = ("decode", "face", "clip", "pulse", "infer colours", f"infer {model}")
    return Cost(sum(per_frame(counts[stage]) for stage in stages))


def live(counts: Counts, model: str) -> Cost:
    """Return what a live frame costs the service with a model, from the JPEG to the update."""
    others = per_frame(counts["live all"]) - per_frame(counts["live infer student"])
    return Cost(others + per_frame(counts[f"live infer {model}"]))


def camera(counts: Counts) -> Cost:
    """Return what `facepulse live` adds to a live frame: the camera's picture becomes a JPEG."""
    return Cost(per_frame(counts["camera"]) + per_frame(counts["jpeg"]))


def live_with_camera(counts: Counts) -> Cost:
    """Return what a frame of `facepulse live` costs with the student, the camera's side and the service's together."""
    return Cost(live(counts, "student").millions + camera(counts).millions)


def tables(counts: Counts) -> str:
    """Return the stages, the models and the live path as Markdown."""
    stages = {stage: Cost(per_frame(by_frames)) for stage, by_frames in counts.items()}
    rows = [f"| {stage} | {cost.millions:.2f} | {_span(cost.ms, 2)} |" for stage, cost in stages.items()]
    found = [["| stage | million instructions per frame | ms of one core |", "|---|---|---|", *rows]]
    head = (
        "| model | recorded: million instructions | fps of one core | paper, fps | live at 30 fps: share of one core |"
    )
    rows = [_row(counts, model) for model in MODELS]
    found.append([head, "|---|---|---|---|---|", *rows])
    both = live_with_camera(counts)
    told = f"student live with the camera's side: {both.millions:.2f} million, {_percent(both)} of one core"
    return "\n\n".join(["\n".join(table) for table in found] + [told])


def _row(counts: Counts, model: str) -> str:
    cost, paper = recorded(counts, model), PAPER_FPS.get(model)
    told = "-" if paper is None else f"{paper:g}"
    return f"| {model} | {cost.millions:.2f} | {_span(cost.fps, 0)} | {told} | {_percent(live(counts, model))} |"


def _span(of_ipc: Callable[[float], float], digits: int) -> str:
    """Tell a figure at both ends of the range of instructions per cycle, the careful one first."""
    return f"{of_ipc(SLOW_IPC):.{digits}f} to {of_ipc(FAST_IPC):.{digits}f}"


def _percent(cost: Cost) -> str:
    return f"{100 * cost.share(SLOW_IPC):.0f} % to {100 * cost.share(FAST_IPC):.0f} %"
