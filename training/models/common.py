"""What the networks share: the form of a pulse network, the two normalisations inside the graph, and counters.

A network sees raw crops, so that whoever runs it cannot normalise wrongly. Every sample of a network of pairs depends
on frames i and i + lag alone, of one of windows on those from i - past to i + future: the same frames give the same
samples in a batch, in chunks and one at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from service.pipeline.types import NOISE_SLOPE, InputSpec, SampleKind

SIZE = 36  # pixels; the crops' side in Hwang, Park & Lee 2023
MOTION_LIMIT = 0.03  # of the mean brightness; the pulse moves a cell by less than 0.01 between frames
MOTION_SCALE = 100.0  # brings the pulse and the sensor's noise to the order of 1
DARK = 1e-3  # keeps black pixels from dividing by zero; a quarter of an 8-bit grey level
FLAT = 1e-4  # variance under which a frame counts as flat
FRAMES_PER_LOOK = 4  # in training, frames that share one look at the appearance

Maps = tuple[Tensor, ...]


class PulseNet(nn.Module, ABC):
    """A network from pairs of frames to pulse samples.

    lag: how many frames lie between the two frames of a pair. past, future: of a network that sees windows instead, how
    many frames before and behind a sample's own it sees; lag is their sum. kind: what the samples are.
    noise_slope: see service.pipeline.types.Pulse.
    """

    lag: ClassVar[int]
    past: ClassVar[int] = 0
    future: ClassVar[int] = 0
    kind: ClassVar[SampleKind] = "derivative"
    noise_slope: ClassVar[float] = NOISE_SLOPE

    @classmethod
    def spec(cls, fps: float) -> InputSpec:
        """Return what the network wants to see."""
        return InputSpec(SIZE, fps, cls.lag, cls.past, cls.future)

    @abstractmethod
    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (N,) of N pairs of frames (N, 3, 36, 36) in 0..1, and the maps for distillation."""

    def forward(self, frames: Tensor) -> Tensor:
        """Return the samples (T - lag,) of T consecutive frames (T, 3, 36, 36), RGB in 0..1."""
        return self.pairs(frames[: -self.lag], frames[self.lag :])[0]

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - lag) of B clips (B, T, 3, 36, 36), and the maps (B * (T - lag), C, H, W)."""
        first, second = rgb[:, : -self.lag], rgb[:, self.lag :]
        samples, maps = self.pairs(first.flatten(0, 1), second.flatten(0, 1))
        return samples.view(first.shape[:2]), maps

    def deployed(self) -> nn.Module:
        """Return a network of the same function that runs faster; frames in, samples out; in evaluation mode."""
        return self.eval()


class WindowNet(PulseNet):
    """A network of windows: `clips` is all that it has to say."""

    def forward(self, frames: Tensor) -> Tensor:
        """Return the samples (T - lag,) of T consecutive frames (T, 3, 36, 36), RGB in 0..1."""
        return self.clips(frames[None])[0][0]

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Raise TypeError: this network sees no pairs."""
        raise TypeError(f"{type(self).__name__} sees windows, not pairs")

    @abstractmethod
    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - lag) of B clips (B, T, 3, 36, 36), and no maps."""


def motion_difference(first: Tensor, second: Tensor) -> Tensor:
    """Return the difference of two frames over their sum (Chen & McDuff 2018), times MOTION_SCALE.

    The quotient does not depend on the light's strength. It is clamped to MOTION_LIMIT: an edge that passes a pixel is
    a hundred pulses high and says nothing more for being higher.
    """
    return ((second - first) / (second + first + DARK)).clamp(-MOTION_LIMIT, MOTION_LIMIT) * MOTION_SCALE


def standardise(frames: Tensor) -> Tensor:
    """Return frames (N, 3, H, W) with zero mean and unit variance per frame and channel; flat frames become zero."""
    centred = frames - frames.mean(dim=(2, 3), keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + FLAT)


def sparsely(encode: Callable[[Tensor], Maps], frames: Tensor) -> Maps:
    """Return what `encode` says of clips' frames (B, N, 3, H, W), asked for one frame in FRAMES_PER_LOOK only.

    The frames around it get its answer. For training: a face looks the same 70 ms later, and half of a step is the
    appearance branch. Each answer is (B * N, C, H, W).
    """
    batch, count = frames.shape[:2]
    groups = torch.arange(count, device=frames.device) // FRAMES_PER_LOOK
    centres = torch.arange(FRAMES_PER_LOOK // 2, count + FRAMES_PER_LOOK // 2, FRAMES_PER_LOOK, device=frames.device)
    maps = encode(frames[:, centres.clamp_max(count - 1)].flatten(0, 1))
    return tuple(m.view(batch, -1, *m.shape[1:])[:, groups].flatten(0, 1) for m in maps)


def shift(maps: Tensor, batch: int, share: int) -> Tensor:
    """Return maps (B * (N - 2), C, H, W) of maps (B * N, C, H, W): channels shifted in time (Lin, Gan & Han 2019).

    The first C // share channels are the next frame's, as many behind them the one before's, the rest the frame's own.
    Maps that lie in memory channels last, as in training, stay so: laying them out anew takes a quarter of a step.
    """
    last = maps.is_contiguous(memory_format=torch.channels_last)
    laid_out = maps.permute(0, 2, 3, 1) if last else maps
    frames = laid_out.view(batch, -1, *laid_out.shape[1:])
    dim, part = (4 if last else 2), maps.shape[1] // share
    following, before = frames[:, 2:].narrow(dim, 0, part), frames[:, :-2].narrow(dim, part, part)
    own = frames[:, 1:-1].narrow(dim, 2 * part, maps.shape[1] - 2 * part)
    shifted = torch.cat((following, before, own), dim).flatten(0, 1)
    return shifted.permute(0, 3, 1, 2) if last else shifted


class PooledConv2d(nn.Conv2d):
    """A 3x3 convolution (padding 1) and the 2x2 average pooling behind it, computed as one 4x4 convolution of stride 2.

    Both are linear, so this is exact: it has the parameters of the 3x3 one and 4/9 of its multiply-accumulates.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1)

    def pooled_weight(self) -> Tensor:
        """Return the 4x4 kernel: the mean of the 3x3 one at its four places."""
        places = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
        return torch.stack([F.pad(self.weight, place) for place in places]).mean(0)

    def put_pooled(self, kernel: Tensor) -> None:
        """Take the 3x3 weights whose pooled kernel is nearest to this one (C_out, C_in, 4, 4); every one has them."""
        units = torch.eye(9, dtype=torch.float64).view(9, 1, 3, 3)
        pooled = F.conv_transpose2d(units, torch.full((1, 1, 2, 2), 0.25, dtype=torch.float64)).view(9, 16)
        weights = torch.linalg.lstsq(pooled.T, kernel.double().reshape(-1, 16).T).solution
        self.weight.data = weights.T.reshape(self.weight.shape).to(self.weight.dtype)

    def forward(self, input: Tensor) -> Tensor:  # the name is torch's
        """Return (N, C, H / 2, W / 2)."""
        return F.conv2d(input, self.pooled_weight(), self.bias, stride=2, padding=1)


def fold_norm(weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution that does the work of (weight, bias) and the norm behind it."""
    if norm.running_var is None or norm.running_mean is None:
        raise ValueError("the norm keeps no statistics")
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight * factor[:, None, None, None], (bias - norm.running_mean) * factor + norm.bias


def fold_pooled(conv: PooledConv2d, norm: nn.BatchNorm2d, input_scale: float = 1.0) -> nn.Conv2d:
    """Return one convolution that scales its input and does the work of both; the norm with its kept statistics."""
    if conv.bias is None:
        raise ValueError("the convolution has no bias")
    weight, bias = fold_norm(conv.pooled_weight(), conv.bias, norm)
    folded = nn.Conv2d(conv.in_channels, conv.out_channels, 4, stride=2, padding=1)
    folded.weight.data, folded.bias.data = weight.detach() * input_scale, bias.detach()  # type: ignore[union-attr]
    return folded


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(net: PulseNet, frames: int, *, size: int = SIZE) -> int:
    """Return the multiply-accumulates for `frames` more samples of a clip of crops of `size` pixels."""
    longer, shorter = (macs(net, (count + net.lag, 3, size, size)) for count in (2, 1))
    return (longer - shorter) * frames


def macs(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Return the multiply-accumulates of one pass through `module`, in evaluation, of an input of this shape.

    Counted are convolutions, linear layers and the matrix products of attention. Nothing is computed for it.
    """
    training = module.training
    module.eval()
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(shape))
    module.train(training)
    return int(counter.get_total_flops()) // 2  # a multiply-accumulate is two operations


Build = Callable[[], PulseNet]
