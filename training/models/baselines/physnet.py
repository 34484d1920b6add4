"""PhysNet (Yu, Li & Zhao 2019): a 3D encoder and decoder from a stretch of video to the pulse wave.

Published, pooling over time leaves every fourth frame and two transposed convolutions fill in the others, so a sample
depends on where the stretch begins. Here nothing is left out: the poolings over time go frame by frame, what follows
them leaves gaps of 2 and 4 frames between its taps instead (a trous), and the transposed convolutions become
convolutions with their kernels. All are valid over time: a sample depends on the 58 frames around its own and on no
other. Layers and parameters are the published ones; the cost per frame is that of a network that skips no frame.

The input is the normalised difference of adjacent frames, as in Liu et al. 2023 (rPPG-Toolbox).
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from service.pipeline.types import SampleKind
from training.models.common import Maps, WindowNet, motion_difference

_ENCODER = (1, 1, 2, 2, 4, 4, 4, 4)  # frames between the taps of each 3x3x3 convolution
_POOLS = (1, 2)  # frames between those that are pooled over time
_DECODER = (2, 1)  # frames between the four taps of each convolution in place of a transposed one
_SPAN = 1 + sum(2 * step for step in _ENCODER) + sum(_POOLS) + sum(3 * step for step in _DECODER)


class PhysNet(WindowNet):
    """768,577 parameters; see the module."""

    past: ClassVar[int] = _SPAN // 2
    future: ClassVar[int] = _SPAN - _SPAN // 2
    lag: ClassVar[int] = _SPAN
    kind: ClassVar[SampleKind] = "wave"

    def __init__(self) -> None:
        super().__init__()
        self.first = _layer(3, 16, (1, 5, 5))
        channels = (16, 32, *[64] * (len(_ENCODER) - 1))
        layers = zip(pairwise(channels), _ENCODER, strict=True)
        self.encoder = nn.ModuleList(_layer(*ends, (3, 3, 3), step=step) for ends, step in layers)
        self.decoder = nn.Sequential(*(_layer(64, 64, (4, 1, 1), step=step, bend=nn.ELU) for step in _DECODER))
        self.out = nn.Conv1d(64, 1, 1)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - 57) of B clips (B, T, 3, 36, 36), and no maps."""
        x = motion_difference(rgb[:, :-1], rgb[:, 1:]).transpose(1, 2)  # (B, 3, T - 1, H, W)
        x = _pool(self.first(x))
        x = _pool(_pool_time(self.encoder[1](self.encoder[0](x)), _POOLS[0]))
        x = _pool(_pool_time(self.encoder[3](self.encoder[2](x)), _POOLS[1]))
        x = _pool(self.encoder[5](self.encoder[4](x)))
        x = self.encoder[7](self.encoder[6](x))
        return self.out(self.decoder(x).mean(dim=(3, 4)))[:, 0], ()


def _layer(
    channels_in: int, channels: int, kernel: tuple[int, int, int], *, step: int = 1, bend: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Return a convolution that is valid over time and padded over space, its norm and what bends it."""
    padding = (0, kernel[1] // 2, kernel[2] // 2)
    conv = nn.Conv3d(channels_in, channels, kernel, padding=padding, dilation=(step, 1, 1))
    return nn.Sequential(conv, nn.BatchNorm3d(channels), bend())


def _pool(x: Tensor) -> Tensor:
    return F.max_pool3d(x, (1, 2, 2))


def _pool_time(x: Tensor, step: int) -> Tensor:
    """Return the higher of each frame and the one `step` behind it."""
    return torch.maximum(x[:, :, :-step], x[:, :, step:])
