"""What the papers compare with: published networks, trained by the same loop on the same clips, never released."""

from training.models.baselines.deepphys import DeepPhys
from training.models.baselines.physformer import PhysFormer
from training.models.baselines.physnet import PhysNet
from training.models.baselines.resnet18 import ResNet18
from training.models.baselines.ts_can import TSCAN

__all__ = ["TSCAN", "DeepPhys", "PhysFormer", "PhysNet", "ResNet18"]
