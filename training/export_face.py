"""Command: MTCNN's three nets from the facenet-pytorch wheel -> ONNX files in the model store.

    python -m training.export_face --wheel facenet_pytorch-2.6.0-py3-none-any.whl --store model_store

The wheel comes from `pip download facenet-pytorch==2.6.0 --no-deps`. The package itself needs torchvision; its weight
files do not, so the nets (Zhang et al. 2016, "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks") are built anew here. The graphs take RGB in 0..1: the scaling to -1..1 that the weights expect
is inside.
"""

import argparse
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from service.pipeline.manifest import MAX_IR_VERSION, MAX_OPSET, Manifest, TrainingPart, file_sha256
from service.pipeline.session import Session
from training.onnx_file import write_onnx
from training.store import activate, default_of, git_revision

NAME, VERSION = "face", "1.0.0"
DEFAULT_MODEL = "student"  # of a new store: a face model measures no pulse
WHEEL_SHA256 = "ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca"
PARITY = 1e-4
LICENCE_IN_WHEEL = "facenet_pytorch-2.6.0.dist-info/LICENSE.md"


@dataclass(frozen=True)
class _Layer:
    """A convolution without padding, its PReLU, and the max-pooling (kernel, stride) after it."""

    channels: int
    kernel: int
    pool: tuple[int, int] | None = None


@dataclass(frozen=True)
class NetPlan:
    """One of the three nets: convolutions, width of the dense layer (none: fully convolutional), heads by name."""

    name: str
    size: int
    layers: tuple[_Layer, ...]
    dense: tuple[int, int] | None
    heads: dict[str, tuple[str, int]]  # output name -> name in the weight file, channels


PNET = NetPlan(
    "pnet", 12, (_Layer(10, 3, (2, 2)), _Layer(16, 3), _Layer(32, 3)), None, {"shift": ("4_2", 4), "score": ("4_1", 2)}
)
RNET = NetPlan(
    "rnet",
    24,
    (_Layer(28, 3, (3, 2)), _Layer(48, 3, (3, 2)), _Layer(64, 2)),
    (576, 128),
    {"shift": ("5_2", 4), "score": ("5_1", 2)},
)
ONET = NetPlan(
    "onet",
    48,
    (_Layer(32, 3, (3, 2)), _Layer(64, 3, (3, 2)), _Layer(64, 3, (2, 2)), _Layer(128, 2)),
    (1152, 256),
    {"shift": ("6_2", 4), "score": ("6_1", 2)},
)
NETS = (PNET, RNET, ONET)


class CascadeNet(nn.Module):
    """P-, R- or O-Net: float32 (N, 3, H, W), RGB in 0..1 -> shift (N, 4, ...) and score (N, ...) in 0..1.

    shift moves the corners x0, y0, x1, y1 in parts of the box's side. R- and O-Net take 24 and 48 pixels, P-Net any
    size; it answers for each 12-pixel window at a stride of 2.
    """

    def __init__(self, plan: NetPlan) -> None:
        super().__init__()
        self.chain: list[str] = []
        self.heads = plan.heads
        channels = 3
        for number, layer in enumerate(plan.layers, 1):
            self._append(f"conv{number}", nn.Conv2d(channels, layer.channels, layer.kernel))
            self._append(f"prelu{number}", ParametricRelu(layer.channels))
            if layer.pool:
                self._append(f"pool{number}", nn.MaxPool2d(*layer.pool, ceil_mode=True))
            channels = layer.channels
        if plan.dense:
            number = len(plan.layers) + 1
            self._append("flatten", _FlattenWidthFirst())
            self._append(f"dense{number}", nn.Linear(*plan.dense))
            self._append(f"prelu{number}", ParametricRelu(plan.dense[1]))
            channels = plan.dense[1]
        for suffix, width in plan.heads.values():
            head = nn.Linear(channels, width) if plan.dense else nn.Conv2d(channels, width, 1)
            self.add_module(_head_name(plan, suffix), head)
        self._head_names = {output: _head_name(plan, suffix) for output, (suffix, _) in plan.heads.items()}

    def _append(self, name: str, module: nn.Module) -> None:
        self.add_module(name, module)
        self.chain.append(name)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift and score."""
        x = (rgb * 255.0 - 127.5) / 128.0
        for name in self.chain:
            x = self.get_submodule(name)(x)
        shift: Tensor = self.get_submodule(self._head_names["shift"])(x)
        logits: Tensor = self.get_submodule(self._head_names["score"])(x)
        return shift, torch.softmax(logits, dim=1)[:, 1]


class ParametricRelu(nn.Module):
    """PReLU, a x below zero and x above, as a x + (1 - a) relu(x).

    onnxruntime's own PRelu branches on every value and took half of a detection's time.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 of the shape of x, (N, channels, ...)."""
        slope = self.weight.view(1, -1, *[1] * (x.dim() - 2))
        return slope * x + (1 - slope) * torch.relu(x)


class _FlattenWidthFirst(nn.Module):
    """The weights come from Caffe by way of MATLAB, which counts a map's columns before its rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 2, 1).flatten(1)


def _head_name(plan: NetPlan, suffix: str) -> str:
    return f"{'dense' if plan.dense else 'conv'}{suffix}"


def load_net(wheel: Path, plan: NetPlan) -> CascadeNet:
    """Return the net with the wheel's weights, in eval mode. The O-Net's landmark head is left out: nothing uses it."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(f"facenet_pytorch/data/{plan.name}.pt")
    weights = torch.load(io.BytesIO(content), weights_only=True)
    net = CascadeNet(plan)
    wanted = net.state_dict().keys()
    net.load_state_dict({name: value for name, value in weights.items() if name in wanted})
    return net.eval()


def export_net(net: CascadeNet, plan: NetPlan, path: Path) -> None:
    """Write one net as ONNX: input `rgb`, outputs `shift` and `score`, batch (P-Net: and size) free."""
    axes = {0: "n"} if plan.dense else {0: "n", 2: "height", 3: "width"}
    scores = {0: "n"} if plan.dense else {0: "n", 1: "height", 2: "width"}
    example = torch.rand(2, 3, plan.size, plan.size)
    write_onnx(net, example, path, inputs={"rgb": axes}, outputs={"shift": axes, "score": scores})


def parity(net: CascadeNet, plan: NetPlan, path: Path, *, seed: int = 1) -> float:
    """Return the largest difference between onnxruntime and torch on fresh inputs, other sizes than the traced one."""
    session = Session(path)
    rng = np.random.default_rng(seed)
    shapes = [(n, plan.size, plan.size) for n in (1, 3, 17)] if plan.dense else [(1, 73, 97), (2, 12, 40), (1, 51, 38)]
    worst = 0.0
    for n, height, width in shapes:
        rgb = rng.random((n, 3, height, width), dtype=np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(rgb))
        for ours, theirs in zip(session(rgb=rgb), expected, strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    return worst


def export_face(wheel: Path, store: Path, *, wheel_sha256: str | None = None) -> Manifest:
    """Export all three nets from the wheel into store/face-1.0.0 and enter the version in active.json.

    Raises ValueError when the wheel is not the known one or a graph differs from torch by more than 1e-4.
    """
    if file_sha256(wheel) != (wheel_sha256 or WHEEL_SHA256):
        raise ValueError("this is not the facenet-pytorch 2.6.0 wheel whose weights were checked")
    folder = store / f"{NAME}-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    parameters, worst = 0, 0.0
    for plan in NETS:
        net = load_net(wheel, plan)
        path = folder / f"{plan.name}.onnx"
        export_net(net, plan, path)
        worst = max(worst, parity(net, plan, path))
        parameters += sum(p.numel() for p in net.parameters())
    if worst > PARITY:
        raise ValueError(f"onnxruntime and torch differ by {worst:.2e}")
    with zipfile.ZipFile(wheel) as archive:
        (folder / "LICENSE").write_bytes(archive.read(LICENCE_IN_WHEEL))
    (folder / "CARD.md").write_text(CARD)
    manifest = _manifest(folder, parameters, worst)
    manifest.write(folder)
    activate(store, NAME, VERSION, default=default_of(store) or DEFAULT_MODEL)
    return manifest


def _manifest(folder: Path, parameters: int, worst: float) -> Manifest:
    training = TrainingPart(
        data="WIDER FACE and CelebA, by the authors of MTCNN",
        licence="MIT (weights as published in facenet-pytorch 2.6.0)",
        recipe="python -m training.export_face",
        git_revision=git_revision(),
    )
    return Manifest(
        name=NAME,
        version=VERSION,
        kind="face",
        files={f"{plan.name}.onnx": file_sha256(folder / f"{plan.name}.onnx") for plan in NETS},
        opset=MAX_OPSET,
        ir_version=MAX_IR_VERSION,
        parameters=parameters,
        training=training,
        metrics={"parity_max_abs": worst},
    )


CARD = """# face 1.0.0

MTCNN (Zhang, Zhang, Li and Qiao, 2016, doi 10.1109/LSP.2016.2603342): three small nets that find faces in a cascade.
Proposals on an image pyramid (P-Net), a first check (R-Net, 24 px), a second one (O-Net, 48 px).

- **Weights**: facenet-pytorch 2.6.0 (Timothy Esler, MIT, see LICENSE), themselves converted from the authors' release.
  The O-Net's landmark head is left out.
- **Input** `rgb`: float32 (N, 3, H, W), RGB in 0..1; R-Net 24 x 24, O-Net 48 x 48, P-Net any size from 12 x 12.
- **Output** `shift`: corner shifts in parts of the box's side; `score`: how likely it is a face, 0..1.
- **Use**: where the face is, so that the pulse is measured on it. No identity is computed and no face is kept.
- **Limits**: frontal to half-profile faces of at least a sixth of the frame's short side by default; a photograph or a
  drawing of a face is a face to it; darkness, masks and profiles are missed. The training pictures (WIDER FACE, CelebA)
  over-represent light skin; how often faces are found by skin tone was not measured by their authors.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Export MTCNN from the facenet-pytorch wheel into the model store.")
    parser.add_argument("--wheel", type=Path, required=True, help="facenet_pytorch-2.6.0-py3-none-any.whl")
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    args = parser.parse_args(arguments)
    manifest = export_face(args.wheel, args.store)
    print(f"{manifest.folder}: {manifest.parameters} parameters, parity {manifest.metrics['parity_max_abs']:.1e}")


if __name__ == "__main__":
    main()
