from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.classical import CLASSICAL
from service.pipeline.infer import OnnxPulseModel
from service.pipeline.pulse import DEFAULT_CALIBRATION
from service.pipeline.speed import model_ms_per_frame
from service.pipeline.types import Calibration, Clip, InputSpec, ModelInfo, Pulse
from tests.service.pipeline.tiny_models import write_green_model, write_window_model


@pytest.mark.parametrize("write", [write_green_model, write_window_model])
def test_a_network_of_pairs_or_windows_costs_something(write: Callable[[Path], Path], tmp_path: Path) -> None:
    model = OnnxPulseModel(write(tmp_path), default_calibration=DEFAULT_CALIBRATION)
    assert model_ms_per_frame(model, 0.5) > 0


def test_a_classical_method_costs_something() -> None:
    assert model_ms_per_frame(CLASSICAL["green"](), 2.0) > 0


class Counting:
    """A model that counts the frames it is given."""

    info = ModelInfo("counting", "1.0.0", "")
    input = InputSpec(size=8, fps=20.0)
    calibration: Calibration = DEFAULT_CALIBRATION

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def stream(self) -> "Counting":
        return self

    def push(self, clip: Clip) -> None:
        self.clips.append(clip)

    def finish(self) -> Pulse:
        return Pulse(np.zeros(0, np.float32), np.zeros(0, np.bool_), 0.0, 20.0, "wave")

    def forget(self, count: int) -> None:
        del self.clips[:count]


def test_every_round_is_a_face_of_its_own_at_the_models_rate_and_size() -> None:
    model = Counting()
    model_ms_per_frame(model, 16.0, rounds=3)
    assert len(model.clips) == 3 * 5  # 320 frames in stretches of 64
    assert {clip.rgb.shape for clip in model.clips} == {(64, 3, 8, 8)}
    assert [clip.start_s for clip in model.clips[:3]] == pytest.approx([0, 3.2, 6.4])
