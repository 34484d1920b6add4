"""A released network as one that trains on: the numbers of its ONNX file, back in the layers that they came from.

An export folds norms and poolings into convolutions and forgets the names of what it folds. Where a tensor of the file
belongs is found by exporting a network of the same kind whose numbers are known. Of a norm nothing is left, so it
begins as one that standardises what it sees of some clips and undoes that: the network computes what was released.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from service.pipeline.errors import ModelError
from service.pipeline.manifest import MANIFEST, read_manifest
from training.batches import plain_batches
from training.checkpoint import RunInvalid
from training.clips import ClipFolder
from training.export import MODEL, TOLERANCE, export_onnx, parity
from training.models import NETWORKS, PulseNet
from training.models.common import PooledConv2d

_CLIPS = 12  # that the norms see, at most
_SAME = 1e-5  # of a tensor's size: rounding
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

Norm = nn.BatchNorm1d | nn.BatchNorm2d
Numbers = list[NDArray[np.float32]]
Put = Callable[[Tensor], object]
Place = tuple[tuple[int, ...], Put]


def is_release(folder: Path) -> bool:
    """Return whether a folder is a version of a model store, not a run."""
    return (folder / MANIFEST).exists()


def load_released(folder: Path, clips: ClipFolder) -> PulseNet:
    """Return the network of a released version, in evaluation mode; its norms see some of `clips`.

    Raises RunInvalid when its files are damaged, when it is none of today's networks or without a clip, and
    ClipsInvalid for clips of another frame rate.
    """
    try:
        manifest = read_manifest(folder)
    except ModelError as error:
        raise RunInvalid(str(error)) from error
    name = manifest.name
    if name not in NETWORKS or manifest.input is None:
        raise RunInvalid(f"{folder.name} has the name of none of the networks that can be trained")
    net = NETWORKS[name]().eval()
    released = _numbers(folder / MODEL)
    with torch.no_grad():
        places = _places(net)
        if [n.shape for n in released] != [shape for shape, _ in places]:
            raise RunInvalid(f"{folder.name} was not exported from today's {name}")
        for numbers, (_, put) in zip(released, places, strict=True):
            put(torch.from_numpy(numbers.copy()))
        _settle(net, clips, manifest.input.fps)
    if not parity(net, folder / MODEL) <= TOLERANCE:
        raise RunInvalid(f"{folder.name} does not compute what today's {name} does")
    return net


def _numbers(model: Path) -> Numbers:
    """Return the float tensors of an ONNX file, in its order."""
    tensors = onnx.load(str(model)).graph.initializer
    return [array for array in map(numpy_helper.to_array, tensors) if array.dtype == np.float32]


def _places(net: PulseNet) -> list[Place]:
    """Return the shape of each tensor that an export of `net` writes, and what puts such a tensor into `net`.

    Changes all numbers of `net`. Raises RunInvalid where a tensor comes from several, which nothing takes apart.
    """
    generator = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.normal_(generator=generator)
    for norm in _norms(net):
        norm.running_mean, norm.running_var = torch.zeros_like(norm.bias), torch.full_like(norm.bias, 1 - norm.eps)
        norm.weight.fill_(1)
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(net, Path(folder) / MODEL)
        written = _numbers(Path(folder) / MODEL)
    known = list(_known(net))
    return [(numbers.shape, _place(torch.from_numpy(numbers.copy()), known, type(net).__name__)) for numbers in written]


def _known(net: PulseNet) -> Iterator[tuple[Tensor, Put]]:
    """Yield what an export of `net` may write, and what puts something of its kind in its place."""
    norms = _norms(net)
    for module in net.modules():
        if isinstance(module, _NORMS):
            yield module.bias.clone(), module.bias.copy_
        elif isinstance(module, PooledConv2d):
            yield module.pooled_weight(), module.put_pooled
        for name, parameter in () if isinstance(module, _NORMS) else module.named_parameters(recurse=False):
            yield parameter.clone(), parameter.copy_
            for norm in norms if name == "bias" else ():
                if norm.bias.shape == parameter.shape:
                    yield parameter + norm.bias, _into_both(parameter, norm)


def _into_both(bias: nn.Parameter, norm: Norm) -> Put:
    def put(numbers: Tensor) -> None:
        bias.copy_(numbers)
        norm.bias.zero_()

    return put


def _place(written: Tensor, known: list[tuple[Tensor, Put]], name: str) -> Put:
    """Return what puts a tensor like this one into its place; a network may have scaled its weights on the way.

    Biases it may not: there is one of a single number, which is any other of these at some scale.
    """
    for numbers, put in known:
        if numbers.shape == written.shape:
            scale = float((written * numbers).sum() / (numbers * numbers).sum()) if written.ndim > 1 else 1.0
            if (written - scale * numbers).abs().max() <= _SAME * written.abs().max():
                return lambda released: put(released / scale)
    raise RunInvalid(f"what an export of {name} writes cannot be taken apart again")


def _settle(net: PulseNet, clips: ClipFolder, fps: float) -> None:
    """Let the norms of `net`, which only add their bias, standardise what they see and undo that."""
    seen: dict[Norm, list[Tensor]] = {norm: [] for norm in _norms(net)}
    hooks = [
        norm.register_forward_pre_hook(lambda module, inputs: seen[module].append(_moments(inputs[0]))) for norm in seen
    ]
    for batch in plain_batches(clips, spec=net.spec(fps), batch_clips=1, limit=_CLIPS, kind=net.kind):
        net.clips(batch.rgb)
    for hook in hooks:
        hook.remove()
    if not all(seen.values()):
        raise RunInvalid("there is no clip yet from which the norms of a released network could begin")
    for norm, moments in seen.items():
        mean, square = torch.stack(moments).mean(0)
        variance = (square - mean**2).clamp_min(norm.eps)
        norm.running_mean, norm.running_var = mean.float(), variance.float()
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.add_(mean)


def _moments(x: Tensor) -> Tensor:
    """Return the means (2, C) of x (N, C, ...) and of its square."""
    dims = [dim for dim in range(x.ndim) if dim != 1]
    return torch.stack([x.double().mean(dims), (x.double() ** 2).mean(dims)])


def _norms(net: PulseNet) -> list[Norm]:
    return [module for module in net.modules() if isinstance(module, _NORMS)]
