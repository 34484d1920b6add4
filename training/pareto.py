"""Command: accuracy against cost of every model of a store and of the classical methods, and which are worth it.

python -m training.pareto rendered-1 --faces FACES

SET: as of training.reproduce, whose kept scores are taken; what is missing is scored. Frames per second are those of
the model alone on one thread. On the front is whatever no other beats in both error and speed. Prints a Markdown table
and writes it with a plot.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from service.pipeline.estimate import Estimator
from service.pipeline.speed import model_ms_per_frame
from training.datasets.errors import DatasetInvalid
from training.provenance import provenance
from training.sets import SetUnknown, open_set, score_all, set_parser
from training.store import model_bytes
from training.tables import Accuracy, by_model, markdown

_ROUNDS = 5  # of 10 s of frames


@dataclass(frozen=True, slots=True)
class Choice:
    """What one model reaches and costs; bytes and parameters are 0 of a classical method."""

    model: str
    accuracy: Accuracy
    fps: float
    bytes: int = 0
    parameters: int = 0

    def beats(self, other: "Choice") -> bool:
        """Return whether it is at least as accurate and as fast, and better in one of the two."""
        mine, others = (-self.accuracy.bpm_mae, self.fps), (-other.accuracy.bpm_mae, other.fps)
        return mine != others and all(a >= b for a, b in zip(mine, others, strict=True))


def front(choices: Sequence[Choice]) -> list[Choice]:
    """Return those that none beats, the fastest first."""
    best = [one for one in choices if not any(other.beats(one) for other in choices)]
    return sorted(best, key=lambda one: -one.fps)


def measure(estimator: Estimator, name: str, accuracy: Accuracy) -> Choice:
    """Return what a model costs beside what it reached."""
    fps = 1000 / model_ms_per_frame(estimator.model(name), rounds=_ROUNDS)
    if name not in estimator.store.versions:
        return Choice(name, accuracy, fps)
    manifest = estimator.store.manifest(name)
    return Choice(name, accuracy, fps, model_bytes(estimator.store.folder(name), manifest), manifest.parameters)


def table(choices: Sequence[Choice]) -> str:
    """Return a row per model, the most accurate first."""
    best = front(choices)
    rows = [
        [
            one.model,
            *one.accuracy.cells,
            f"{one.fps:,.0f}",
            f"{one.bytes / 1000:,.0f}" if one.bytes else "-",
            f"{one.parameters:,}" if one.parameters else "-",
            "yes" if one in best else "",
        ]
        for one in sorted(choices, key=lambda one: one.accuracy.bpm_mae)
    ]
    return markdown(["model", "MAE", "`ok`", "MAE of `ok`", "frames per s", "kB", "parameters", "front"], rows)


def plot(choices: Sequence[Choice], path: Path) -> None:
    """Draw error over speed, the front as a line; a network's spot grows with its parameters."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    spot = figure.subplots()
    best = front(choices)
    spot.plot([one.fps for one in best], [one.accuracy.bpm_mae for one in best], color="grey", linewidth=0.8)
    for one in choices:
        size = 20 + 40 * (one.parameters / 25_000) ** 0.5
        spot.scatter(one.fps, one.accuracy.bpm_mae, s=size, alpha=0.7, color="tab:red" if one in best else "tab:blue")
        offset = (6, 6 + size**0.5 / 2)
        spot.annotate(one.model, (one.fps, one.accuracy.bpm_mae), offset, textcoords="offset points", fontsize=8)
    spot.set(xscale="log", xlabel="frames per second on one thread", ylabel="MAE, bpm")
    spot.margins(0.15)
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when a set cannot be used or has no answer to a video with a pulse."""
    args = set_parser(__doc__).parse_args(arguments)
    try:
        opened = [open_set(name, args) for name in args.sets]
    except (SetUnknown, DatasetInvalid) as error:
        print(error, file=sys.stderr)
        return 2
    estimator = Estimator(args.model_store)
    scored = score_all(opened, args.models or list(estimator.names), args)
    choices = [measure(estimator, name, Accuracy.of(own)) for name, own in by_model(scored.scores).items()]
    if not choices:
        print("there is no answer to a video with a pulse", file=sys.stderr)
        return 2
    text = f"{table(choices)}\n\n{provenance('training.pareto', arguments, None, scored.revisions)}\n"
    (args.out / "pareto.md").write_text(text)
    plot(choices, args.out / "pareto.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
