"""Our own network: patches of the face over a window of time, because two frames cannot tell a pulse from motion.

Crops become 12 x 12 patches; each patch's logarithm minus its mean over a window is the relative change of its light.
A second branch sees what the patches look like and how much they shake, and decides which to believe (the heads of a
softmax over places, one of which may as well watch the background for the lamp). What the heads gather goes through a
dilated convolution over time. All convolutions over time are valid ones: sample i depends on PAST frames before frame i
and FUTURE frames (1 s) behind it and on nothing else, so chunks, batches and live video give the same samples. At a
clip's ends the first and last frame are repeated by whoever runs it.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from service.pipeline.types import SampleKind
from training.models.common import DARK, FLAT, SIZE, Maps, WindowNet, standardise

GRID = 12  # patches along a side of the crop
_MEAN_PAST, _MEAN_FUTURE = 30, 12  # frames of the running mean: a high-pass of about 0.5 Hz
_CHANGE_SCALE, _CHANGE_LIMIT = 60.0, 3.0  # a pulse of 1 % becomes 0.6; beyond 5 % it is motion
_SHAKE_SCALE = 100.0
_CHANNELS, _HEADS, _WIDTH = 32, 4, 64
_PATCH_KERNEL, _KERNEL = 5, 5
_DILATIONS = ((1, True), (2, True), (4, True), (8, False), (16, False))  # frames, whether it looks ahead too


def _context() -> tuple[int, int]:
    past, future = _MEAN_PAST + _PATCH_KERNEL // 2, _MEAN_FUTURE + _PATCH_KERNEL // 2
    for dilation, ahead in _DILATIONS:
        span = (_KERNEL - 1) * dilation
        past += span // 2 if ahead else span
        future += span // 2 if ahead else 0
    return past, future


PAST, FUTURE = _context()


class Temporal(WindowNet):
    """0.12 M parameters; see the module."""

    past: ClassVar[int] = PAST
    future: ClassVar[int] = FUTURE
    lag: ClassVar[int] = PAST + FUTURE
    kind: ClassVar[SampleKind] = "wave"
    noise_slope: ClassVar[float] = 0.0  # it filters its own noise; of 0, 0.5, 1 and 1.5 the best on calibration people

    def __init__(self) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(3, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.SiLU(),
            nn.Conv2d(24, _CHANNELS, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(_CHANNELS),
            nn.SiLU(),
        )
        self.context = nn.Sequential(
            nn.Conv2d(6, 24, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.SiLU(),
            nn.Conv2d(24, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.SiLU(),
        )
        self.gate = nn.Conv2d(32, _CHANNELS, 1)
        self.look = nn.Conv2d(32, _HEADS, 1)
        self.patch = nn.Conv1d(_CHANNELS, _CHANNELS, _PATCH_KERNEL, bias=False)
        self.gather = nn.Conv1d(_HEADS * _CHANNELS, _WIDTH, 1)
        self.blocks = nn.ModuleList(_Block(dilation, ahead) for dilation, ahead in _DILATIONS)
        self.out = nn.Conv1d(_WIDTH, 1, 1)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - lag) of B clips (B, T, 3, 36, 36), and no maps."""
        batch = rgb.shape[0]
        change, context = _patches(rgb)
        seen = self.context(context.flatten(0, 1))
        felt = self.change(change.flatten(0, 1)) * torch.sigmoid(self.gate(seen))
        places = felt.shape[-1] * felt.shape[-2]
        over_time = felt.view(batch, -1, _CHANNELS, places).permute(0, 3, 2, 1).flatten(0, 1)  # (B P, C, T)
        over_time = self.patch(over_time).view(batch, places, _CHANNELS, -1)
        looks = torch.softmax(self.look(seen).flatten(2).float(), 2).view(batch, -1, _HEADS, places)
        half = _PATCH_KERNEL // 2
        looks = looks[:, half:-half].to(over_time.dtype)
        gathered = torch.matmul(looks, over_time.permute(0, 3, 1, 2))  # (B, T, heads, C)
        x = self.gather(gathered.flatten(2).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        return self.out(x)[:, 0], ()


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


def _patches(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Return the patches' relative change (B, N, 3, 12, 12) and context (B, N, 6, 12, 12), N = T - 42.

    Context: what the patches look like, standardised per frame, and the logarithm of how much they change from frame to
    frame. Both are means over the window, so they change slowly.
    """
    batch, count = rgb.shape[:2]
    with torch.autocast(rgb.device.type, enabled=False):  # a pulse is below bfloat16's steps
        light = F.avg_pool2d(rgb.float().flatten(0, 1), SIZE // GRID).view(batch, count, -1)
        log = torch.log(light + DARK)
        window = 1 + _MEAN_PAST + _MEAN_FUTURE
        change = log[:, _MEAN_PAST : count - _MEAN_FUTURE] - _running_mean(log, window)
        shake = _running_mean((log[:, 1:] - log[:, :-1]).abs(), window - 1)
        look = standardise(_running_mean(light, window).reshape(-1, 3, GRID, GRID))
        change = (change * _CHANGE_SCALE).clamp(-_CHANGE_LIMIT, _CHANGE_LIMIT)
        shake = 0.5 * torch.log(shake * _SHAKE_SCALE + FLAT).view(-1, 3, GRID, GRID)
        context = torch.cat([look, shake], 1)
    return change.view(batch, -1, 3, GRID, GRID), context.view(batch, -1, 6, GRID, GRID)


def _running_mean(x: Tensor, window: int) -> Tensor:
    """Return the mean over `window` frames, (B, T, C) -> (B, T - window + 1, C)."""
    return F.avg_pool1d(x.transpose(1, 2), window, stride=1).transpose(1, 2)
