"""The card of a released model: what it is for, what it learned from, what it reached, and where it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.pipeline.manifest import CalibrationPart, InputPart, Manifest, replace_text
from training.scores import Score, without_pulse
from training.store import model_bytes
from training.tables import Accuracy, by_model, coverage_table, markdown
from training.trust import pulseless_table

CARD = "CARD.md"
TEST = "test_"  # how the metrics begin that hold for these weights and this confidence alone
_SOURCES = {  # by a word of a manifest's training data
    "figshare.5047666": (
        "Faces: Face Research Lab London Set, DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666, CC BY 4.0 "
        "(https://creativecommons.org/licenses/by/4.0/); the photographs were resized, then changed by the renderer."
    ),
    "Welltory": "Beat shapes: pulses of fingers before a phone's camera, published by Welltory, CC0.",
    "rendered": (
        "Clips were rendered: a photograph that moves, lit and filmed by a model of lamp and camera, its skin changing "
        "with a known pulse, passed through a real video codec and then through the service's own decoder, face "
        "detector and crops."
    ),
}
_MEANING = {
    "steps": "of training",
    "validation_band_r": "correlation with the true wave in the band of 0.7 to 4 Hz, clips of people not trained on",
    "validation_bpm_mae": "error of the highest peak of these clips' spectra in bpm",
    "validation_bpm_near": "share of them for which that is within 5 bpm",
    "validation_clips": "how many clips that were",
    "onnx_difference": "largest difference between onnxruntime and torch",
    "test_videos": "videos that were answered, of people whom no training saw",
    "test_bpm_mae": "mean error of all answers in bpm",
    "test_ok_share": "share of the answers with the status `ok`",
    "test_ok_bpm_mae": "mean error of those in bpm",
    "cpu_ms_per_frame": "processor time of the model alone in ms, one thread",
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model's scores, the names of the sets that they are of, and the git revisions at which they were made."""

    sets: Sequence[str]
    scores: Sequence[Score]
    revisions: Sequence[str]


def untested(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that stay when a model's weights or its confidence change."""
    return {name: value for name, value in metrics.items() if not name.startswith(TEST)}


def write_card(folder: Path, manifest: Manifest, evaluation: Evaluation | None = None, *, timed_on: str = "") -> None:
    """Write the card of a pulse model into its folder, with errors by group where there is an evaluation.

    timed_on: the machine on which its processor time was measured.
    """
    parts = [
        f"# {manifest.name} {manifest.version}",
        "Estimates the blood volume pulse from crops of a face: the heart rate from an ordinary video.",
        _USE,
        f"## The network\n\n{_network(manifest, model_bytes(folder, manifest) / 1000, timed_on)}",
        f"## Training\n\n{_training(manifest)}",
        f"## Confidence\n\n{_confidence(manifest.calibration)}",
        _LIMITS,
        f"## Measured\n\n{_metrics(manifest.metrics)}",
        *(_tables(evaluation) if evaluation else [_NOT_TESTED]),
    ]
    replace_text(folder / CARD, "\n\n".join(parts) + "\n")


_USE = """## Use

- For: the heart rate of one adult who looks at a camera in good light, in software about wellness, sport or research,
  behind the service, which finds the face, makes the crops and says how far each number can be trusted.
- Not for: FacePulse is no medical device. It must not be used to diagnose, to monitor patients or to decide on
  treatment. Not for children, nor for people who have not agreed to be measured."""

_LIMITS = """## Limits

- Skin tone: darker skin gives back less of the pulse; expect larger errors and more often `low_quality`.
- Motion: turning, talking and above all movement in a rhythm hide the pulse or look like one.
- Codec and bit rate: compression removes the pulse's colour first; below 0.05 bits per pixel little is left of it.
- Light: in dim light noise outweighs the pulse, and lamps that flicker can look like one.
- Real recordings differ from rendered ones. Where this model fails its confidence should be low; below 0.5 the number
  is a guess."""

_NOT_TESTED = (
    "No scores were at hand when this card was written, so it has no errors by group. "
    "`python -m training.publish SET` measures them."
)


def _network(manifest: Manifest, size_kb: float, timed_on: str) -> str:
    assert manifest.input is not None, "a pulse model has an input"
    assert manifest.output is not None, "a pulse model has an output"
    given, (file, sha256) = manifest.input, next(iter(manifest.files.items()))
    mega_macs = "-" if manifest.macs_per_frame is None else f"{manifest.macs_per_frame / 1e6:.1f} M"
    ms = manifest.metrics.get("cpu_ms_per_frame")
    speed = "" if ms is None else f", {ms:.3g} ms of processor time on one thread"
    machine = f" ({timed_on})" if timed_on else ""
    return f"""- Version {manifest.version}: `{file}`, {size_kb:,.0f} kB, ONNX opset {manifest.opset},
  SHA-256 `{sha256}`.
- In: {given.size}x{given.size} {given.colour} crops in 0..1 at {given.fps:g} fps, 1.6 times the face's box.
- Out: `{manifest.output.kind}`, {_sees(given)}; up means more blood.
- Cost: {manifest.parameters:,} parameters; per frame {mega_macs} multiply-accumulates{speed}{machine}."""


def _sees(given: InputPart) -> str:
    if given.past + given.future == 0:
        return f"a sample per pair of frames, {given.lag} apart"
    return (
        f"a sample per frame from {given.past} frames before it and {given.future} behind it, so live samples come "
        f"{given.future / given.fps:.1f} s late"
    )


def _training(manifest: Manifest) -> str:
    told = manifest.training
    sources = [line for word, line in _SOURCES.items() if word in told.data]
    lines = [
        f"Data: {told.data.rstrip('.')}.",
        *sources,
        f"Recipe: `{told.recipe}`, exported at git revision `{told.git_revision}`.",
    ]
    return "\n".join(f"- {line}" for line in [*lines, f"Licence of the weights: {told.licence}."])


def _confidence(calibration: CalibrationPart | None) -> str:
    meaning = (
        "A logistic function of the signal's quality, 0 to 1. Of the results with 0.8 or more at least 95 % are meant "
        "to lie within 5 bpm of the truth; `ok` means 0.5 or more and half of the 10-s windows passed."
    )
    if calibration is None:
        return f"{meaning} This model has no fit of its own yet and takes the service's default."
    weights = ", ".join(f"{name} {weight:+.3f}" for name, weight in calibration.weights.items())
    return (
        f"{meaning} It was fitted to this model on rendered videos, some without a pulse, of people whom neither "
        f"training nor test saw: bias {calibration.bias:+.3f}, {weights}."
    )


def _metrics(metrics: Mapping[str, float]) -> str:
    return markdown(["metric", "", ""], [[f"`{n}`", f"{value:g}", _MEANING.get(n, "")] for n, value in metrics.items()])


def _tables(evaluation: Evaluation) -> list[str]:
    revisions = ", ".join(revision[:12] for revision in evaluation.revisions)
    own = next(iter(by_model(evaluation.scores).values()))
    parts = [
        f"## By group\n\nThe service's whole chain on {', '.join(evaluation.sets)}, scores at revision {revisions}. "
        "Errors in bpm, also of answers that are not `ok`.",
        _group_table(own),
        coverage_table(own),
    ]
    still = without_pulse(evaluation.scores)
    return (
        [*parts, f"Videos without a pulse, and how sure it was of a rate:\n\n{pulseless_table(still)}"]
        if still
        else parts
    )


def _group_table(scores: Sequence[Score]) -> str:
    """Return a row per value of each group."""
    rows = [["all", "", str(len(scores)), *Accuracy.of(scores).cells]]
    for group in dict.fromkeys(name for score in scores for name in score.groups):
        for value in sorted({score.groups[group] for score in scores if group in score.groups}):
            part = [score for score in scores if score.groups.get(group) == value]
            rows.append([group, value, str(len(part)), *Accuracy.of(part).cells])
    return markdown(["group", "", "videos", "MAE", "`ok`", "MAE of `ok`"], rows)
