"""TS-CAN (Liu et al. 2020): DeepPhys whose maps exchange channels with the frames before and behind.

Published, a clip is cut into chunks of 20 frames, zeros are shifted in at both ends of each, and a sample depends on
where in its chunk it lies. Here the shifts are valid ones: a third of the channels comes from the next frame, a third
from the one before, and where there is none there is no sample. Four shifts let a sample see 9 differences of 10
frames; the same frames give the same samples wherever a video is cut. Parameters and cost per frame are the published
ones.

A sample is the change of the pulse around its frame, half of that from the frame before to the frame behind.
"""

from functools import partial
from typing import ClassVar

from torch import Tensor

from training.models.baselines.attention import AttentionNetwork
from training.models.common import SIZE, Maps, WindowNet, motion_difference, shift, sparsely

_SHIFTS = 4  # one before each convolution of the motion branch
_SHARE = 3  # a third of the channels from either side


class TSCAN(WindowNet):
    """532,899 parameters; see the module."""

    past: ClassVar[int] = _SHIFTS
    future: ClassVar[int] = _SHIFTS + 1  # the last difference's second frame
    lag: ClassVar[int] = past + future

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.network = AttentionNetwork(size)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return the samples (B, T - 9) of B clips (B, T, 3, 36, 36), and no maps.

        In training the masks are those of one frame in a few, as the teacher's.
        """
        batch, count = rgb.shape[:2]
        first, second = rgb[:, :-1], rgb[:, 1:]
        motion = motion_difference(first, second).flatten(0, 1)
        seen = first[:, 2 : count - 3]  # of the frames that two shifts leave
        masks = self.network.masks(seen.flatten(0, 1)) if not self.training else sparsely(self.network.masks, seen)
        last = masks[1].view(batch, -1, *masks[1].shape[1:])[:, 2 : count - 7].flatten(0, 1)
        samples, _ = self.network.regress(motion, (masks[0], last), partial(shift, batch=batch, share=_SHARE))
        return samples.view(batch, -1), ()
