"""PhysFormer (Yu et al. 2022): a transformer of temporal difference convolutions, from video to the pulse wave.

Kept are all layers and parameters: the stem, tubes of 4x4x4 in a grid of 4x4, twelve blocks of 96 channels and 4 heads,
temporal difference 0.7, sharpness 2. Changed, so that a sample depends on the frames around it and not on where a clip
begins:

- A tube begins at every frame, not at every fourth, so the convolutions that fill in the frames have none to fill in.
- A place attends to all places of the 4 frames before and the 4 behind it, not of the whole clip. Through twelve blocks
  a sample sees 157 frames; the published clips have 160.
- 36x36 crops instead of 128x128: of the three poolings of the stem the first alone is left, so that the grid stays 4x4.

The input is the normalised difference of adjacent frames, as in Liu et al. 2023 (rPPG-Toolbox). A sample waits for the
78 frames behind it: this network serves no live video.
"""

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from service.pipeline.types import SampleKind
from training.models.common import SIZE, Maps, WindowNet, motion_difference

_GRID, _TUBE = 4, 4  # tubes along a side; frames and pixels along a tube
_WIDTH, _HIDDEN, _HEADS, _BLOCKS = 96, 144, 4, 12
_REACH = 4  # frames that attention reaches, both ways
_THETA = 0.7  # how much of a kernel's reaction to what does not change is taken off
_SHARPNESS = 2.0
_DROPOUT = 0.1


def context(blocks: int) -> int:
    """Return how many frames on each side of its own a sample of a network of so many blocks depends on."""
    stem, tube, block, head = 1 + 2 * 2, _TUBE - 1, 2 + 2 * _REACH + 2, 2 * 2
    return (stem + tube + blocks * block + head) // 2


class PhysFormer(WindowNet):
    """7,380,865 parameters; see the module."""

    blocks_count: ClassVar[int] = _BLOCKS
    past: ClassVar[int] = context(_BLOCKS)
    future: ClassVar[int] = context(_BLOCKS)
    lag: ClassVar[int] = 2 * context(_BLOCKS)
    kind: ClassVar[SampleKind] = "wave"

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *_stem_layer(3, _WIDTH // 4, (1, 5, 5), pooled=_poolings(size) > 0),
            *_stem_layer(_WIDTH // 4, _WIDTH // 2, (3, 3, 3), pooled=_poolings(size) > 1),
            *_stem_layer(_WIDTH // 2, _WIDTH, (3, 3, 3), pooled=_poolings(size) > 2),
        )
        self.tubes = nn.Conv3d(_WIDTH, _WIDTH, _TUBE, stride=(1, _TUBE, _TUBE))
        self.blocks = nn.Sequential(*(_Block() for _ in range(self.blocks_count)))
        self.head = nn.Sequential(*_head_layer(_WIDTH, _WIDTH), *_head_layer(_WIDTH, _WIDTH // 2))
        self.out = nn.Conv1d(_WIDTH // 2, 1, 1)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - 156) of B clips (B, T, 3, 36, 36), and no maps."""
        motion = motion_difference(rgb[:, :-1], rgb[:, 1:]).transpose(1, 2)  # (B, 3, T - 1, H, W)
        maps = self.blocks(self.tubes(_middle(self.stem(motion))))
        return self.out(self.head(maps).mean(dim=(3, 4)))[:, 0], ()

    def deployed(self) -> nn.Module:
        """Return the same function with the temporal differences folded into plain kernels."""
        net = copy.deepcopy(self).eval()
        for layer in net.modules():
            if isinstance(layer, TemporalDifference):
                layer.fold()
        return net


class TemporalDifference(nn.Conv3d):
    """A 3x3x3 convolution, valid over time, less `theta` of what its first and last frame say of the centre alone.

    conv(x) - theta * (sum of the kernel's outer frames) * x is one convolution with another middle tap.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=(0, 1, 1), bias=False)
        self.theta = _THETA

    def kernel(self) -> Tensor:
        """Return the kernel of the one convolution."""
        outer = (self.weight[:, :, 0] + self.weight[:, :, 2]).sum(dim=(2, 3))
        return self.weight - self.theta * F.pad(outer[:, :, None, None, None], (1,) * 6)

    def fold(self) -> None:
        """Make that kernel the weight; for deployment only."""
        self.weight.data, self.theta = self.kernel().detach(), 0.0

    def forward(self, input: Tensor) -> Tensor:  # the name is torch's
        """Return (B, C, T - 2, H, W)."""
        return F.conv3d(input, self.kernel() if self.theta else self.weight, padding=(0, 1, 1))


class _Block(nn.Module):
    """Attention within `_REACH` frames, then a hidden layer with a convolution of its own; T - 12 of T frames stay."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(_WIDTH, eps=1e-6) for _ in range(2))
        self.query, self.key = (nn.Sequential(TemporalDifference(_WIDTH), nn.BatchNorm3d(_WIDTH)) for _ in range(2))
        self.value = nn.Conv3d(_WIDTH, _WIDTH, 1, bias=False)
        self.project = nn.Linear(_WIDTH, _WIDTH)
        self.hidden = nn.Sequential(
            *_hidden_layer(nn.Conv3d(_WIDTH, _HIDDEN, 1, bias=False)),
            *_hidden_layer(_Depthwise(_HIDDEN, _HIDDEN, 3, padding=(0, 1, 1), groups=_HIDDEN, bias=False)),
            nn.Conv3d(_HIDDEN, _WIDTH, 1, bias=False),
            nn.BatchNorm3d(_WIDTH),
        )
        self.drop = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        y = _normed(self.norm1, x)
        query, key, value = self.query(y)[:, :, _REACH:-_REACH], self.key(y), self.value(y[:, :, 1:-1])
        attended = self.project(self._attend(*map(_heads, (query, key, value))))
        x = x[:, :, _REACH + 1 : -_REACH - 1] + self.drop(_maps(attended))
        y = self.drop(self.hidden(_normed(self.norm2, x)))
        further: Tensor = x[:, :, 1:-1] + y
        return further

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return (B, N, 16, C) of query (B, heads, N, 16, d), key and value (B, heads, N + 2 reach, 16, d)."""
        count, steps = query.shape[2], range(2 * _REACH + 1)
        scores = [query @ key[:, :, step : step + count].transpose(3, 4) for step in steps]
        weights = self.drop(torch.softmax(torch.cat(scores, -1) / _SHARPNESS, -1)).chunk(len(steps), -1)
        parts = [weight @ value[:, :, step : step + count] for step, weight in zip(steps, weights, strict=True)]
        return torch.stack(parts).sum(0).permute(0, 2, 3, 1, 4).flatten(3)


class _Depthwise(nn.Conv3d):
    """A depthwise convolution that stays in float32: backwards it is many times slower in bfloat16 on the CPU."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


def _heads(maps: Tensor) -> Tensor:
    """Return (B, heads, T, 16, d) of maps (B, C, T, 4, 4)."""
    batch = maps.shape[0]
    return maps.view(batch, _HEADS, _WIDTH // _HEADS, -1, _GRID * _GRID).permute(0, 1, 3, 4, 2)


def _maps(tokens: Tensor) -> Tensor:
    """Return (B, C, T, 4, 4) of tokens (B, T, 16, C)."""
    batch, frames = tokens.shape[:2]
    return tokens.permute(0, 3, 1, 2).reshape(batch, _WIDTH, frames, _GRID, _GRID)


def _normed(norm: nn.LayerNorm, maps: Tensor) -> Tensor:
    normed: Tensor = norm(maps.movedim(1, 4))
    return normed.movedim(4, 1)


def _middle(maps: Tensor) -> Tensor:
    """Return the middle of maps (B, C, T, H, W) that a grid of whole tubes covers: 16x16 pixels."""
    side = _GRID * _TUBE
    begin = (maps.shape[-1] - side) // 2
    return maps[..., begin : begin + side, begin : begin + side]


def _poolings(size: int) -> int:
    """Return how many poolings, three at most, leave pixels enough for the grid."""
    return max(count for count in range(4) if size >> count >= _GRID * _TUBE)


def _stem_layer(channels_in: int, channels: int, kernel: tuple[int, int, int], *, pooled: bool) -> list[nn.Module]:
    conv = nn.Conv3d(channels_in, channels, kernel, padding=(0, kernel[1] // 2, kernel[2] // 2))
    return [conv, nn.BatchNorm3d(channels), nn.ReLU(), *([nn.MaxPool3d((1, 2, 2))] if pooled else [])]


def _head_layer(channels_in: int, channels: int) -> list[nn.Module]:
    return [nn.Conv3d(channels_in, channels, (3, 1, 1)), nn.BatchNorm3d(channels), nn.ELU()]


def _hidden_layer(conv: nn.Conv3d) -> list[nn.Module]:
    return [conv, nn.BatchNorm3d(conv.out_channels), nn.ELU()]
