"""The convolutional attention network as published (Chen & McDuff 2018): what DeepPhys and TS-CAN have in common.

Without batch norm and with tanh; each branch's second and fourth convolution is unpadded, so that 36x36 crops end as
7x7 maps. The project's teacher is the same network with batch norm, padding and ReLU.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.common import Maps, standardise
from training.models.teacher import soft_attention

Shift = Callable[[Tensor], Tensor]


class AttentionNetwork(nn.Module):
    """Two branches of four convolutions, two masks, two linear layers; 532,899 parameters at 36 pixels."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.motion1, self.motion2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3)
        self.motion3, self.motion4 = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3)
        self.appearance1, self.appearance2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3)
        self.appearance3, self.appearance4 = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3)
        self.mask1, self.mask2 = nn.Conv2d(32, 1, 1), nn.Conv2d(64, 1, 1)
        self.drop_maps, self.drop_hidden = nn.Dropout(0.25), nn.Dropout(0.5)
        last = ((size - 2) // 2 - 2) // 2  # pixels of a side after two unpadded convolutions and two poolings
        self.hidden, self.out = nn.Linear(64 * last * last, 128), nn.Linear(128, 1)

    def masks(self, frames: Tensor) -> Maps:
        """Return the two soft attention masks (N, 1, 34, 34) and (N, 1, 15, 15) of frames (N, 3, 36, 36) in 0..1."""
        x = torch.tanh(self.appearance1(standardise(frames)))
        middle = torch.tanh(self.appearance2(x))
        x = torch.tanh(self.appearance3(self.drop_maps(F.avg_pool2d(middle, 2))))
        last = torch.tanh(self.appearance4(x))
        return soft_attention(self.mask1(middle)), soft_attention(self.mask2(last))

    def regress(self, motion: Tensor, masks: Maps, shift: Shift = lambda maps: maps) -> tuple[Tensor, Maps]:
        """Return samples (N,) and the two maps that masks have weighted, of motion (N, 3, 36, 36).

        shift: what happens before each of the four convolutions; it may take frames away at both ends.
        """
        x = torch.tanh(self.motion1(shift(motion)))
        x = torch.tanh(self.motion2(shift(x)))
        middle = F.avg_pool2d(x * masks[0], 2)
        x = torch.tanh(self.motion3(shift(self.drop_maps(middle))))
        x = torch.tanh(self.motion4(shift(x)))
        last = F.avg_pool2d(x * masks[1], 2)
        hidden = torch.tanh(self.hidden(self.drop_maps(last).flatten(1)))
        return self.out(self.drop_hidden(hidden)).squeeze(1), (middle, last)
