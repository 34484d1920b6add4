"""DeepPhys (Chen & McDuff 2018): the convolutional attention network on pairs of frames."""

from typing import ClassVar

from torch import Tensor

from training.models.baselines.attention import AttentionNetwork
from training.models.common import SIZE, Maps, PulseNet, motion_difference, sparsely


class DeepPhys(PulseNet):
    """532,899 parameters; see `attention`. Its input is the teacher's: see `motion_difference` and `standardise`."""

    lag: ClassVar[int] = 1

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.network = AttentionNetwork(size)

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return samples (N,) and the attention-weighted maps (N, 32, 17, 17) and (N, 64, 7, 7)."""
        return self.network.regress(motion_difference(first, second), self.network.masks(first))

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return what PulseNet.clips says; in training the masks are those of one frame in a few, as the teacher's."""
        if not self.training:
            return super().clips(rgb)
        first, second = rgb[:, :-1], rgb[:, 1:]
        motion = motion_difference(first, second).flatten(0, 1)
        samples, maps = self.network.regress(motion, sparsely(self.network.masks, first))
        return samples.view(first.shape[:2]), maps
