"""The networks by name: those that are released, and the baselines that they are compared with."""

from training.models.baselines import TSCAN, DeepPhys, PhysFormer, PhysNet, ResNet18
from training.models.common import Build, PulseNet
from training.models.mobilenetv3 import MobileNetV3
from training.models.student import Student
from training.models.teacher import Teacher
from training.models.temporal import Temporal

MODELS: dict[str, Build] = {"student": Student, "teacher": Teacher, "mobilenetv3": MobileNetV3, "temporal": Temporal}
BASELINES: dict[str, Build] = {
    "deepphys": DeepPhys,
    "ts_can": TSCAN,
    "physnet": PhysNet,
    "physformer": PhysFormer,
    "resnet18": ResNet18,
}
NETWORKS: dict[str, Build] = MODELS | BASELINES

__all__ = ["BASELINES", "MODELS", "NETWORKS", "MobileNetV3", "PulseNet", "Student", "Teacher", "Temporal"]
