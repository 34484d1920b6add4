"""Command: put what the models of a store reach and cost into their manifests, and write their cards.

python -m training.publish rendered-1 rendered-1-pulseless --faces FACES

SET: as of training.reproduce, whose kept scores are taken; what is missing is scored. Without a SET the accuracy stays
what the manifests say, and the cards have no errors by group. Processor time is measured always. Weights stay as they
are; a new version and a new fit of the confidence begin without the figures of the old one.
"""

import sys
from collections.abc import Sequence

from service.pipeline.estimate import Estimator
from service.pipeline.manifest import Manifest
from service.pipeline.speed import model_ms_per_frame
from training.card import TEST, Evaluation, untested, write_card
from training.datasets.errors import DatasetInvalid
from training.provenance import machine
from training.scores import Score
from training.sets import SetUnknown, open_set, score_all, set_parser
from training.tables import Accuracy, by_model

ROUNDS = 12  # of 10 s of frames, to find the time that no other program disturbed


def publish(estimator: Estimator, name: str, evaluation: Evaluation | None) -> Manifest:
    """Measure a model's time and write its manifest, with the figures of its scores, and its card."""
    folder, before = estimator.store.folder(name), estimator.store.manifest(name)
    metrics = before.metrics if evaluation is None else untested(before.metrics) | accuracy_metrics(evaluation.scores)
    cost = {"cpu_ms_per_frame": _round(model_ms_per_frame(estimator.model(name), rounds=ROUNDS))}
    manifest = before.model_copy(update={"metrics": metrics | cost})
    manifest.write(folder)
    write_card(folder, manifest, evaluation, timed_on=machine())
    return manifest


def accuracy_metrics(scores: Sequence[Score]) -> dict[str, float]:
    """Return the figures of one model's scores as manifests name them; of `ok` answers none where there are none."""
    (own,) = by_model(scores).values()
    accuracy = Accuracy.of(own)
    found = {"videos": float(accuracy.clips), "bpm_mae": accuracy.bpm_mae, "ok_share": accuracy.ok_share}
    if accuracy.ok_bpm_mae is not None:
        found["ok_bpm_mae"] = accuracy.ok_bpm_mae
    return {f"{TEST}{name}": _round(value) for name, value in found.items()}


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when a set or a model cannot be used."""
    args = set_parser(__doc__).parse_args(arguments)
    try:
        opened = [open_set(name, args) for name in args.sets]
    except (SetUnknown, DatasetInvalid) as error:
        print(error, file=sys.stderr)
        return 2
    estimator = Estimator(args.model_store)
    released = [manifest.name for manifest in estimator.store.pulse_models()]
    names = args.models or released
    if not set(names) <= set(released):
        print(f"models with a manifest are {', '.join(released)}", file=sys.stderr)
        return 2
    scored = score_all(opened, names, args)
    if opened and not by_model(scored.scores):
        print("there is no answer to a video with a pulse", file=sys.stderr)
        return 2
    for name in names:
        own = score_all(opened, [name], args)  # all are kept by now; these are of its own revisions alone
        evaluation = Evaluation([takes.name for takes in opened], own.scores, own.revisions) if opened else None
        print(name, publish(estimator, name, evaluation).metrics)
    return 0


if __name__ == "__main__":
    sys.exit(main())
