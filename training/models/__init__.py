"""The networks by name."""

from training.models.common import Build, PulseNet
from training.models.mobilenetv3 import MobileNetV3
from training.models.student import Student
from training.models.teacher import Teacher
from training.models.temporal import Temporal

MODELS: dict[str, Build] = {"student": Student, "teacher": Teacher, "mobilenetv3": MobileNetV3, "temporal": Temporal}

__all__ = ["MODELS", "MobileNetV3", "PulseNet", "Student", "Teacher", "Temporal"]
