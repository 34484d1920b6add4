"""The networks by name."""

from training.models.common import Build, PulseNet
from training.models.mobilenetv3 import MobileNetV3
from training.models.student import Student
from training.models.teacher import Teacher

MODELS: dict[str, Build] = {"student": Student, "teacher": Teacher, "mobilenetv3": MobileNetV3}

__all__ = ["MODELS", "MobileNetV3", "PulseNet", "Student", "Teacher"]
