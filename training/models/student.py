"""The student of Hwang, Park & Lee 2023: the motion branch alone, two convolutions and one linear layer."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.common import (
    DARK,
    MOTION_LIMIT,
    MOTION_SCALE,
    Maps,
    PooledConv2d,
    PulseNet,
    fold_pooled,
    motion_difference,
)


class Student(PulseNet):
    """24,769 parameters: conv 3->32, pool, BN, conv 32->64, pool, BN, 5184 -> 1.

    Each pooling comes before its BN and ReLU. The paper leaves the order open, and the pulse lies far below a pixel's
    noise: averaging first and bending afterwards keeps more of it, and a pooling right behind a convolution melts into
    it (PooledConv2d), which leaves 3.2 of 7.1 M multiply-accumulates per frame. ReLU in place of the attention
    network's tanh: one comparison in place of an exponential, which would cost as much as a convolution here.
    """

    lag: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = PooledConv2d(3, 32)
        self.norm1 = nn.BatchNorm2d(32)
        self.conv2 = PooledConv2d(32, 64)
        self.norm2 = nn.BatchNorm2d(64)
        self.out = nn.Linear(64 * 9 * 9, 1)

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return samples (N,) and the maps MF_S1 (N, 32, 18, 18) and MF_S2 (N, 64, 9, 9)."""
        middle = torch.relu(self.norm1(self.conv1(motion_difference(first, second))))
        last = torch.relu(self.norm2(self.conv2(middle)))
        return self.out(last.flatten(1)).squeeze(1), (middle, last)

    def deployed(self) -> nn.Module:
        """Return the same function with norms, poolings and the motion's scale folded into the two convolutions."""
        return _FoldedStudent(self).eval()


class _FoldedStudent(nn.Module):
    def __init__(self, student: Student) -> None:
        super().__init__()
        self.conv1 = fold_pooled(student.conv1, student.norm1, MOTION_SCALE)
        self.conv2 = fold_pooled(student.conv2, student.norm2)
        self.out = student.out

    def forward(self, frames: Tensor) -> Tensor:
        first, second = frames[:-1], frames[1:]
        motion = ((second - first) / (second + first + DARK)).clamp(-MOTION_LIMIT, MOTION_LIMIT)
        last = F.relu(self.conv2(F.relu(self.conv1(motion))))
        samples: Tensor = self.out(last.flatten(1)).squeeze(1)
        return samples
