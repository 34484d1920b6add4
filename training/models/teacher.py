"""The teacher of Hwang, Park & Lee 2023: the convolutional attention network (Chen & McDuff 2018) with batch norm."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.common import Maps, PulseNet, motion_difference, sparsely, standardise


class Teacher(PulseNet):
    """795,811 parameters: a motion and an appearance branch of four convolutions each, two attention masks.

    The appearance branch looks at the first frame of a pair and says where skin is; its masks multiply the motion
    branch's maps before each pooling. ReLU in place of the original's tanh: behind a batch norm it learns faster, and
    it costs a fraction of it.
    """

    lag: ClassVar[int] = 1

    def __init__(self, dropout: float = 0.25) -> None:
        super().__init__()
        self.motion1, self.motion2 = _block(3, 32), _block(32, 32)
        self.motion3, self.motion4 = _block(32, 64), _block(64, 64)
        self.appearance1, self.appearance2 = _block(3, 32), _block(32, 32)
        self.appearance3, self.appearance4 = _block(32, 64), _block(64, 64)
        self.mask1, self.mask2 = nn.Conv2d(32, 1, 1), nn.Conv2d(64, 1, 1)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(64 * 9 * 9, 128)
        self.out = nn.Linear(128, 1)

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return samples (N,) and the attention-weighted maps MF_T1 (N, 32, 18, 18) and MF_T2 (N, 64, 9, 9)."""
        return self._regress(motion_difference(first, second), self._masks(first))

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return what PulseNet.clips says; in training the masks are those of one frame in a few."""
        if not self.training:
            return super().clips(rgb)
        first, second = rgb[:, : -self.lag], rgb[:, self.lag :]
        motion = motion_difference(first, second).flatten(0, 1)
        samples, maps = self._regress(motion, sparsely(self._masks, first))
        return samples.view(first.shape[:2]), maps

    def _masks(self, frames: Tensor) -> Maps:
        """Return SA1 (N, 1, 36, 36) and SA2 (N, 1, 18, 18)."""
        middle = self.appearance2(self.appearance1(standardise(frames)))
        last = self.appearance4(self.appearance3(F.avg_pool2d(middle, 2)))
        return soft_attention(self.mask1(middle)), soft_attention(self.mask2(last))

    def _regress(self, motion: Tensor, masks: Maps) -> tuple[Tensor, Maps]:
        middle = F.avg_pool2d(self.motion2(self.motion1(motion)) * masks[0], 2)
        last = F.avg_pool2d(self.motion4(self.motion3(middle)) * masks[1], 2)
        hidden = torch.relu(self.hidden(self.dropout(last.flatten(1))))
        return self.out(hidden).squeeze(1), (middle, last)


def soft_attention(logits: Tensor) -> Tensor:
    """Return H * W * s / (2 * ||s||_1) of s = sigmoid(logits) (N, 1, H, W); its mean is 1/2 (Chen & McDuff 2018)."""
    mask = torch.sigmoid(logits)
    return mask / (2 * mask.mean(dim=(2, 3), keepdim=True))


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU())
