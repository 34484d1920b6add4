"""From instructions to frames per second on a Jetson Nano: the arithmetic and the tables of nano.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isclose

from service.pipeline.infer import WINDOW_CHUNK
from service.pipeline.types import InputSpec

CLOCK_HZ = 1.43e9  # each of the board's four Cortex-A57 at 10 W
# Instructions per cycle, assumed. A network is nearly all FMLA, of which the core starts one per cycle. 7-Zip, which
# waits for memory more than we do, is known to reach 0.88 on all four cores of a Nano at once (docs/jetson.md).
SLOW_IPC, FAST_IPC = 0.7, 1.0
CAMERA_FPS = 30
PAPER_FPS = {"teacher": 2.0, "student": 20.0}  # Hwang, Park, Lee 2023: 0.50 and 0.05 s per frame with preprocessing
STUDENT = "student"
LINEAR = 0.1
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


def frames_run(spec: InputSpec) -> tuple[float, float]:
    """Return on how many frames a network runs per frame of video: of a recording, and live.

    A network of windows sees the frames before each stretch anew; live a stretch ends every second, with its last frame
    repeated in place of those to come.
    """
    if not spec.windowed:
        return 1.0, 1.0
    return 1 + spec.lag / WINDOW_CHUNK, 1 + (spec.lag + spec.future) / spec.fps


def recorded(counts: Counts, model: str, spec: InputSpec) -> Cost:
    """Return what a frame of a recorded video costs with a model, from the file to the heart rate."""
    others = sum(per_frame(counts[stage]) for stage in ("decode", "face", "clip", "pulse", "infer"))
    return _with_model(others, counts, model, frames_run(spec)[0])


def live(counts: Counts, model: str, spec: InputSpec) -> Cost:
    """Return what a live frame costs the service with a model, from the JPEG to the update."""
    return _with_model(per_frame(counts["live all"]), counts, model, frames_run(spec)[1])


def _with_model(millions: float, counts: Counts, model: str, frames: float) -> Cost:
    """Put a model in the student's place, with which the chains were counted."""
    student, other = (per_frame(counts[f"infer {name}"]) for name in (STUDENT, model))
    return Cost(millions - student + frames * other)


def live_programs(counts: Counts) -> dict[str, Cost]:
    """Return what a frame costs each program that may measure live on the board, with the student."""
    camera, jpeg = per_frame(counts["camera"]), per_frame(counts["jpeg"])
    return {
        "`facepulse live`, all in one program": Cost(camera + per_frame(counts["here all"])),
        "`facepulse live --url`: its camera's pictures as JPEG": Cost(camera + jpeg),
        "a worker of the service": Cost(per_frame(counts["live all"])),
    }


def tables(counts: Counts, models: Mapping[str, InputSpec]) -> str:
    """Return the stages, the models and the live path as Markdown."""
    stages = {stage: Cost(per_frame(by_frames)) for stage, by_frames in counts.items()}
    rows = [f"| {stage} | {cost.millions:.2f} | {_span(cost.ms, 2)} |" for stage, cost in stages.items()]
    found = [["| stage | million instructions per frame | ms of one core |", "|---|---|---|", *rows]]
    head = (
        "| model | recorded: million instructions | fps of one core | paper, fps | live at 30 fps: share of one core |"
    )
    rows = [_row(counts, model, spec) for model, spec in models.items()]
    found.append([head, "|---|---|---|---|---|", *rows])
    rows = [f"| {name} | {cost.millions:.2f} | {_percent(cost)} |" for name, cost in live_programs(counts).items()]
    head = "| student live at 30 fps | million instructions per frame | share of one core |"
    found.append([head, "|---|---|---|", *rows])
    return "\n\n".join("\n".join(table) for table in found)


def _row(counts: Counts, model: str, spec: InputSpec) -> str:
    cost, paper = recorded(counts, model, spec), PAPER_FPS.get(model)
    told = "-" if paper is None else f"{paper:g}"
    return f"| {model} | {cost.millions:.2f} | {_span(cost.fps, 0)} | {told} | {_percent(live(counts, model, spec))} |"


def _span(of_ipc: Callable[[float], float], digits: int) -> str:
    """Tell a figure at both ends of the range of instructions per cycle, the careful one first."""
    return f"{of_ipc(SLOW_IPC):.{digits}f} to {of_ipc(FAST_IPC):.{digits}f}"


def _percent(cost: Cost) -> str:
    return f"{100 * cost.share(SLOW_IPC):.0f} % to {100 * cost.share(FAST_IPC):.0f} %"
