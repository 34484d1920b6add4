"""Our own network: what changes from frame to frame, seen together with the two seconds around it.

Two frames at a time cannot tell a pulse from motion. The motion branch is that of DeepPhys (Chen & McDuff 2018: tanh,
no batch norm), whose maps take a quarter of their channels from the frame behind and a quarter from the one before,
which costs no parameter (TS-CAN, Liu et al. 2020), under the masks of a narrower appearance branch. What is left of a
frame, 64 numbers, is compared with those around it by dilated convolutions that begin as nothing. What comes out is the
change of the pulse, not its wave: changes are summed over ten or thirty seconds by whoever looks for the rate, and what
is uncertain stays small. (Its predecessor decided within six seconds, and what is decided there no longer spectrum can
weigh again.)

All convolutions over time are valid ones: sample i depends on PAST frames before frame i and FUTURE frames (less than
1 s) behind it and on nothing else, so chunks, batches and live video give the same samples. At a clip's ends the first
and last frame are repeated by whoever runs it.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.common import SIZE, Maps, WindowNet, motion_difference, shift, sparsely, standardise
from training.models.teacher import soft_attention

_SHIFTS = 3  # before the second, third and fourth convolution
_WIDTH, _KERNEL = 64, 5
_DILATIONS = ((1, True), (2, True), (4, True), (8, False))  # frames, whether it looks ahead too
_SHARE = 4  # a fourth of the channels from either side
_DROPPED = 0.1


def _context() -> tuple[int, int]:
    past, future = _SHIFTS, _SHIFTS + 1  # the last difference's second frame
    for dilation, ahead in _DILATIONS:
        span = (_KERNEL - 1) * dilation
        past += span // 2 if ahead else span
        future += span // 2 if ahead else 0
    return past, future


PAST, FUTURE = _context()


class Temporal(WindowNet):
    """0.37 M parameters; see the module."""

    past: ClassVar[int] = PAST
    future: ClassVar[int] = FUTURE
    lag: ClassVar[int] = PAST + FUTURE
    noise_slope: ClassVar[float] = 0.0  # it filters its own noise

    def __init__(self) -> None:
        super().__init__()
        self.motion1, self.motion2 = nn.Conv2d(3, 24, 3, padding=1), nn.Conv2d(24, 32, 3)
        self.motion3, self.motion4 = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3)
        self.look1, self.look2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3)
        self.look3, self.look4 = nn.Conv2d(16, 24, 3, padding=1), nn.Conv2d(24, 24, 3)
        self.mask1, self.mask2 = nn.Conv2d(16, 1, 1), nn.Conv2d(24, 1, 1)
        self.drop = nn.Dropout(_DROPPED)
        last = ((SIZE - 2) // 2 - 2) // 2
        self.hidden = nn.Linear(64 * last * last, _WIDTH)
        self.blocks = nn.ModuleList(_Block(dilation, ahead) for dilation, ahead in _DILATIONS)
        self.out = nn.Conv1d(_WIDTH, 1, 1)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - lag) of B clips (B, T, 3, 36, 36), and no maps."""
        batch, count = rgb.shape[:2]
        first, second = rgb[:, :-1], rgb[:, 1:]
        motion = motion_difference(first, second).flatten(0, 1)
        seen = first[:, 1 : count - 2]  # of the frames that one shift leaves
        masks = sparsely(self._masks, seen) if self.training else self._masks(seen.flatten(0, 1))
        last = masks[1].view(batch, -1, *masks[1].shape[1:])[:, 2:-2].flatten(0, 1)
        x = torch.tanh(self.motion1(motion))
        x = torch.tanh(self.motion2(shift(x, batch, _SHARE)))
        x = F.avg_pool2d(x * masks[0].to(x.dtype), 2)
        x = torch.tanh(self.motion3(shift(x, batch, _SHARE)))
        x = torch.tanh(self.motion4(shift(x, batch, _SHARE)))
        x = F.avg_pool2d(x * last.to(x.dtype), 2)
        x = torch.tanh(self.hidden(self.drop(x).flatten(1))).view(batch, -1, _WIDTH).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.out(x)[:, 0], ()

    def _masks(self, frames: Tensor) -> Maps:
        """Return the soft attention masks (N, 1, 34, 34) and (N, 1, 15, 15) of frames (N, 3, 36, 36) in 0..1."""
        x = torch.tanh(self.look1(standardise(frames)))
        middle = torch.tanh(self.look2(x))
        x = torch.tanh(self.look3(F.avg_pool2d(middle, 2)))
        last = torch.tanh(self.look4(x))
        return soft_attention(self.mask1(middle)), soft_attention(self.mask2(last))


class _Block(nn.Module):
    """A residual dilated convolution over time that begins as nothing; `ahead`: it looks as far ahead as back."""

    def __init__(self, dilation: int, ahead: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(_WIDTH, _WIDTH, _KERNEL, dilation=dilation)
        self.mix = nn.Conv1d(_WIDTH, _WIDTH, 1)
        for parameter in self.mix.parameters():
            nn.init.zeros_(parameter)
        span = (_KERNEL - 1) * dilation
        self.trim = (span // 2, span // 2) if ahead else (span, 0)

    def forward(self, x: Tensor) -> Tensor:
        begin, end = self.trim
        straight = x[:, :, begin : x.shape[2] - end]
        y: Tensor = straight + self.mix(torch.tanh(self.conv(x)))
        return y
