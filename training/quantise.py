"""Command: a trial of a released model in fewer bits, float16 and int8, beside itself.

python -m training.quantise student --clips runs/clips/val --ranges runs/clips/train

Only convolutions and matrix products are changed: the pulse is 0.2 to 2 % of a pixel, and 8 bits before the difference
of frames would round it away. A variant is worth keeping when its error grows by at most 0.1 bpm and it is a tenth
faster. Variants are written into --out; the store stays as it is.
"""

import argparse
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from service.pipeline.infer import OnnxPulseModel
from service.pipeline.manifest import ModelStore, file_sha256, read_manifest
from service.pipeline.pulse import DEFAULT_CALIBRATION, heart_rate
from service.pipeline.speed import model_ms_per_frame
from service.pipeline.types import Clip, Floats, PulseModel
from training import metrics
from training.clips import ClipFolder, TrainingClip
from training.store import model_bytes
from training.tables import markdown

MAX_LOSS_BPM = 0.1
MIN_GAIN = 0.1  # of the time: on a busy machine two measurements of one model differ by some percent
_HEAVY = ["Conv", "Gemm", "MatMul"]
_RANGE_CLIPS = 16  # whose values set the ranges of int8
_ROUNDS = 12  # of 10 s of frames

Make = Callable[[Path, Path, Sequence[Floats]], None]  # from one ONNX file to another, with crops for the ranges


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Clips for the runtime's quantiser."""

    def __init__(self, name: str, clips: Sequence[Floats]) -> None:
        self._feeds: Iterator[dict[str, Floats]] = ({name: rgb} for rgb in clips)

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._feeds, None)


def make_float16(source: Path, target: Path, clips: Sequence[Floats]) -> None:
    """Write a model whose convolutions and matrix products take and give float16."""
    del clips
    model = onnx.load(str(source))
    weights = {weight.name: weight for weight in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type not in _HEAVY:
            nodes.append(node)
            continue
        for at, name in enumerate(node.input):
            if name in weights:
                _halve(weights[name])
            else:
                node.input[at] = f"{node.name}_half_{at}"
                nodes.append(helper.make_node("Cast", [name], [node.input[at]], to=TensorProto.FLOAT16))
        (result,) = node.output
        node.output[0] = f"{node.name}_half"
        nodes += [node, helper.make_node("Cast", [node.output[0]], [result], to=TensorProto.FLOAT)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(target))


def _halve(weight: onnx.TensorProto) -> None:
    values = numpy_helper.to_array(weight)
    weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), weight.name))


def make_int8_dynamic(source: Path, target: Path, clips: Sequence[Floats]) -> None:
    """Write a model of 8-bit weights that finds the ranges of its inputs as it runs."""
    del clips
    quantize_dynamic(source, target, op_types_to_quantize=_HEAVY, weight_type=QuantType.QUInt8)


def make_int8_static(source: Path, target: Path, clips: Sequence[Floats]) -> None:
    """Write a model of 8-bit weights, per channel, and 8-bit inputs in the ranges that the clips have."""
    (name,) = [given.name for given in onnx.load(str(source)).graph.input]
    quantize_static(
        source,
        target,
        _Crops(name, clips),
        quant_format=QuantFormat.QOperator,  # per channel below opset 13
        op_types_to_quantize=["Conv", "MatMul"],  # a Gemm of 8 bits is in no standard
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


VARIANTS: dict[str, Make] = {
    "float16": make_float16,
    "int8_dynamic": make_int8_dynamic,
    "int8_static": make_int8_static,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a variant is worth: its error over clips, the share of them within 5 bpm, what a frame costs, file size."""

    bpm_mae: float
    near: float
    ms_per_frame: float
    bytes: int

    def worth_keeping(self, full: "Trial") -> bool:
        """Return whether it is a tenth faster than the full model and no more than 0.1 bpm worse."""
        faster = self.ms_per_frame <= (1 - MIN_GAIN) * full.ms_per_frame
        return faster and self.bpm_mae <= full.bpm_mae + MAX_LOSS_BPM


def make_variant(folder: Path, out: Path, make: Make, clips: Sequence[Floats]) -> Path:
    """Write a variant of a released model into out/<model>-<version>, manifest too, and return that folder."""
    manifest, target = read_manifest(folder), out / folder.name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (file,) = manifest.files
    make(folder / file, target / file, clips)
    manifest.model_copy(update={"files": {file: file_sha256(target / file)}, "metrics": {}}).write(target)
    return target


def measure_bpm(model: PulseModel, clip: TrainingClip) -> float:
    """Return the heart rate of a clip at the model's rate, taken for a recording of its own."""
    stream = model.stream()
    stream.push(Clip(clip.rgb, clip.comparable, 0.0, model.input.fps))
    return heart_rate(stream.finish(), model.calibration).bpm


def try_out(folder: Path, clips: Sequence[TrainingClip]) -> Trial:
    """Measure the model in a folder."""
    model = OnnxPulseModel(folder, default_calibration=DEFAULT_CALIBRATION)
    size = model_bytes(folder, model.manifest)
    true, found = [clip.meta["bpm"] for clip in clips], [measure_bpm(model, clip) for clip in clips]
    near = metrics.within(true, found, metrics.NEAR_BPM)
    return Trial(metrics.mae(true, found), near, model_ms_per_frame(model, rounds=_ROUNDS), size)


def table(full: Trial, variants: dict[str, Trial]) -> str:
    """Return a row for the model as it is and one for each variant."""
    rows = []
    for name, one in {"float32": full, **variants}.items():
        figures = [f"{one.bpm_mae:.2f}", f"{one.near:.1%}", f"{one.ms_per_frame:.4f}", f"{one.bytes / 1000:.0f}"]
        rows.append([name, *figures, _verdict(one, full)])
    return markdown(["variant", "MAE, bpm", "within 5 bpm", "ms per frame", "kB", "worth keeping"], rows)


def _verdict(one: Trial, full: Trial) -> str:
    return "-" if one is full else "yes" if one.worth_keeping(full) else "no"


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    args = _parser().parse_args(arguments)
    folder = ModelStore(args.model_store).folder(args.model)
    ranges, measured = ClipFolder(args.ranges), ClipFolder(args.clips)
    lag = read_manifest(folder).input_spec.lag
    long_enough = [address for address in ranges.addresses() if ranges.frames(address) > lag]
    crops = [ranges.read(address).rgb for address in long_enough[:_RANGE_CLIPS]]
    clips = [measured.read(address) for address in measured.addresses()]
    made = {name: make_variant(folder, args.out / name, make, crops) for name, make in VARIANTS.items()}
    variants = {name: try_out(variant, clips) for name, variant in made.items()}
    print(f"{args.model}, {len(clips)} clips\n\n{table(try_out(folder, clips), variants)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a pulse model of the store")
    parser.add_argument("--clips", type=Path, required=True, help="cache of clips on which errors are measured")
    parser.add_argument("--ranges", type=Path, required=True, help="cache of clips whose values set the ranges of int8")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    parser.add_argument("--out", type=Path, default=Path("runs/quantise"), help="where variants are written")
    return parser


if __name__ == "__main__":
    main()
