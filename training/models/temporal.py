"""Our own network: what changes from frame to frame, gathered over the face and then over seven seconds.

Two frames at a time cannot tell a pulse from motion; but what a face's cells do between two frames is where motion is
easiest to refuse, because an edge that moved says so at once and is forgotten in the next frame, while its colour stays
changed for seconds. So the changes between frames go through two convolutions as in the student. A second branch sees
what the face looked like over the last 1.4 s and how much each cell shook, and says which to believe: a mask on the
first map, and gates and the heads of a softmax over places on the last. Only then time comes in: gathered changes are
summed over a window (a fixed filter, the running sum less its mean), and dilated convolutions look for what repeats.

All convolutions over time are valid ones: sample i depends on PAST frames before frame i and FUTURE frames (less than
1 s) behind it and on nothing else, so chunks, batches and live video give the same samples. At a clip's ends the first
and last frame are repeated by whoever runs it.
"""

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from service.pipeline.types import SampleKind
from training.models.common import (
    FLAT,
    SIZE,
    Maps,
    PooledConv2d,
    WindowNet,
    fold_pooled,
    motion_difference,
    sparsely,
    standardise,
)

_LOOK_BACK = 42  # frames over which appearance and shaking are averaged
_SUM_PAST, _SUM_FUTURE = 30, 12  # frames of the mean that a running sum is taken against: a high-pass of about 0.5 Hz
_SUM_SCALE = 0.2  # brings a sum over a window to the size of a change
_GRID = SIZE // 2
_CHANNELS, _HEADS, _WIDTH = 64, 4, 64
_KERNEL = 5
_DILATIONS = ((1, True), (2, True), (4, True), (8, False), (16, False))  # frames, whether it looks ahead too


def _context() -> tuple[int, int]:
    past, future = _LOOK_BACK + _SUM_PAST, _SUM_FUTURE
    for dilation, ahead in _DILATIONS:
        span = (_KERNEL - 1) * dilation
        past += span // 2 if ahead else span
        future += span // 2 if ahead else 0
    return past, future


PAST, FUTURE = _context()


class Temporal(WindowNet):
    """0.18 M parameters; see the module."""

    past: ClassVar[int] = PAST
    future: ClassVar[int] = FUTURE
    lag: ClassVar[int] = PAST + FUTURE
    kind: ClassVar[SampleKind] = "wave"
    noise_slope: ClassVar[float] = 0.0  # it filters its own noise
    sum_kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = PooledConv2d(3, 32), nn.BatchNorm2d(32)
        self.conv2, self.norm2 = PooledConv2d(32, _CHANNELS), nn.BatchNorm2d(_CHANNELS)
        self.context1 = nn.Sequential(nn.Conv2d(6, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.context2 = nn.Sequential(
            nn.Conv2d(24, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.mask = nn.Conv2d(24, 1, 1)
        self.gate = nn.Conv2d(32, _CHANNELS, 1)
        self.look = nn.Conv2d(32, _HEADS, 1)
        self.gather = nn.Conv1d(_HEADS * _CHANNELS, _WIDTH, 1)
        self.norm3 = nn.BatchNorm1d(_WIDTH)
        self.mix = nn.Conv1d(2 * _WIDTH, _WIDTH, 1)
        self.blocks = nn.ModuleList(_Block(dilation, ahead) for dilation, ahead in _DILATIONS)
        self.out = nn.Conv1d(_WIDTH, 1, 1)
        self.register_buffer("sum_kernel", _sum_kernel(), persistent=False)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - lag) of B clips (B, T, 3, 36, 36), and no maps."""
        batch = rgb.shape[0]
        first, second = rgb[:, _LOOK_BACK:-1].flatten(0, 1), rgb[:, _LOOK_BACK + 1 :].flatten(0, 1)
        with torch.autocast(rgb.device.type, enabled=False):  # a pulse is below bfloat16's steps
            motion = motion_difference(first.float(), second.float())
            context = _context_of(rgb[:, :-1].float())
        mask, gate, looks = (
            sparsely(self._believed, context) if self.training else self._believed(context.flatten(0, 1))
        )
        middle = torch.relu(self.norm1(self.conv1(motion))) * mask
        last = torch.relu(self.norm2(self.conv2(middle))) * gate
        gathered = torch.matmul(looks, last.flatten(2).transpose(1, 2))  # (B N, heads, channels)
        changes = self.norm3(self.gather(gathered.view(batch, -1, _HEADS * _CHANNELS).transpose(1, 2)))
        x = self.mix(torch.cat([self._summed(changes), changes[:, :, _SUM_PAST : -_SUM_FUTURE + 1]], 1))
        for block in self.blocks:
            x = block(x)
        return self.out(x)[:, 0], ()

    def deployed(self) -> nn.Module:
        """Return the same function with norms and poolings folded into the two convolutions."""
        net = copy.deepcopy(self).eval()
        folded = {"conv1": fold_pooled(self.conv1, self.norm1), "conv2": fold_pooled(self.conv2, self.norm2)}
        for name, layer in {**folded, "norm1": nn.Identity(), "norm2": nn.Identity()}.items():
            setattr(net, name, layer)
        return net

    def _believed(self, context: Tensor) -> Maps:
        """Return the mask (N, 1, 18, 18), the gates (N, 64, 9, 9) and the heads' weights (N, heads, 81) of N looks."""
        near = self.context1(context)
        far = self.context2(near)
        heads = torch.softmax(self.look(far).flatten(2).float(), 2).to(far.dtype)
        return torch.sigmoid(self.mask(near)), torch.sigmoid(self.gate(far)), heads

    def _summed(self, changes: Tensor) -> Tensor:
        """Return the running sum of changes (B, C, N) less its mean over a window, (B, C, N - 41)."""
        return F.conv1d(changes.flatten(0, 1)[:, None], self.sum_kernel.to(changes.dtype)).view(*changes.shape[:2], -1)


class _Block(nn.Module):
    """A residual dilated convolution over time; `ahead`: it looks as far ahead as back."""

    def __init__(self, dilation: int, ahead: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(_WIDTH, _WIDTH, _KERNEL, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(_WIDTH)
        self.mix = nn.Conv1d(_WIDTH, _WIDTH, 1)
        span = (_KERNEL - 1) * dilation
        self.trim = (span // 2, span // 2) if ahead else (span, 0)

    def forward(self, x: Tensor) -> Tensor:
        begin, end = self.trim
        straight = x[:, :, begin : x.shape[2] - end]
        y: Tensor = straight + self.mix(F.silu(self.norm(self.conv(x))))
        return y


def _context_of(rgb: Tensor) -> Tensor:
    """Return (B, N, 6, 18, 18), N = T - 42, of frames (B, T, 3, 36, 36): means over the 42 frames before and one's own.

    What cells look like, standardised per frame, and the logarithm of how much they change from frame to frame.
    """
    batch, count = rgb.shape[:2]
    cells = F.avg_pool2d(rgb.flatten(0, 1), 2)
    light = cells.view(batch, count, -1)
    look = standardise(_running_mean(light, _LOOK_BACK + 1).reshape(-1, 3, _GRID, _GRID))
    shaking = motion_difference(light[:, :-1], light[:, 1:]).abs()
    shake = 0.5 * torch.log(_running_mean(shaking, _LOOK_BACK) + FLAT).view(-1, 3, _GRID, _GRID)
    return torch.cat([look, shake], 1).view(batch, -1, 6, _GRID, _GRID)


def _running_mean(x: Tensor, window: int) -> Tensor:
    """Return the mean over `window` frames, (B, T, C) -> (B, T - window + 1, C)."""
    return F.avg_pool1d(x.transpose(1, 2), window, stride=1).transpose(1, 2)


def _sum_kernel() -> Tensor:
    """Return the weights (1, 1, 42) by which changes make x[t] - mean(x[t - 30 .. t + 12]), times a scale."""
    window = _SUM_PAST + 1 + _SUM_FUTURE
    before = torch.arange(1, _SUM_PAST + 1) / window
    behind = -torch.arange(_SUM_FUTURE, 0, -1) / window
    return _SUM_SCALE * torch.cat([before, behind])[None, None]
