"""ResNet18 (He et al. 2016) on the difference of two frames, the most general of the baselines: nothing in it is made
for a pulse.

Yoon 2023 names it without saying what goes in and comes out. Here it sees what the student sees, and one output in
place of ImageNet's thousand classes says how the pulse changes.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from training.models.common import Maps, PulseNet, motion_difference

_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels, stride of the first of two blocks


class ResNet18(PulseNet):
    """11,177,025 parameters with one output; 11,689,512 with ImageNet's 1000."""

    lag: ClassVar[int] = 1

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks, channels_in = [], 64
        for channels, stride in _STAGES:
            blocks += [_Block(channels_in, channels, stride), _Block(channels, channels, 1)]
            channels_in = channels
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(channels_in, outputs)

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return samples (N,), the first output, and the last map (N, 512, 2, 2)."""
        last = self.blocks(self.stem(motion_difference(first, second)))
        return self.out(last.mean(dim=(2, 3)))[:, 0], (last,)


class _Block(nn.Module):
    """Two 3x3 convolutions and a way around them."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.around: nn.Module = nn.Identity()
        if channels_in != channels:
            conv = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
            self.around = nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.around(x))
