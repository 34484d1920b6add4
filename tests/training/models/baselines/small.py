"""The baselines in sizes that a test can afford."""

from typing import ClassVar

import torch

from training.models import BASELINES
from training.models.baselines.physformer import PhysFormer, context
from training.models.common import Build

_BLOCKS = 1


class SmallPhysFormer(PhysFormer):
    """PhysFormer with one of its twelve blocks, which are all alike: the whole one takes ten times as long."""

    blocks_count: ClassVar[int] = _BLOCKS
    past: ClassVar[int] = context(_BLOCKS)
    future: ClassVar[int] = context(_BLOCKS)
    lag: ClassVar[int] = 2 * context(_BLOCKS)


SMALL: dict[str, Build] = BASELINES | {"physformer": SmallPhysFormer}


def frames(count: int, seed: int = 0) -> torch.Tensor:
    """Return crops (count, 3, 36, 36) of something that hardly changes."""
    generator = torch.Generator().manual_seed(seed)
    still = torch.rand(1, 3, 36, 36, generator=generator) * 0.6 + 0.2
    return (still + 0.01 * torch.randn(count, 3, 36, 36, generator=generator)).clamp(0, 1)
