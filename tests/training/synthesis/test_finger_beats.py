import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.synthesis.clips import STEADY
from training.synthesis.finger_beats import average_beat, write_beat_shapes
from training.synthesis.pulse_wave import beat_shape, real_beats


def _record(folder: Path, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Path:
    folder.mkdir()
    rows = [f"{40 * index},200,{value:.4f},10" for index, value in enumerate(values)]
    (folder / "PPG.csv").write_text("\n".join(["time,R,G,B", *rows]))
    return folder / "PPG.csv"


def _finger(noise: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    times_s = np.arange(0, 60, 0.04)
    shape = beat_shape(STEADY)
    blood = np.interp(times_s * 1.2 % 1, np.arange(256) / 256, shape, period=1)
    return np.asarray(100 - 5 * blood + np.random.default_rng(0).normal(0, noise, len(times_s)))


def test_finds_the_beat_of_a_darkening_finger(tmp_path: Path) -> None:
    beat = average_beat(_record(tmp_path / "subject_01", _finger(0.2)))
    assert beat is not None
    known = np.interp(np.arange(64) / 64, np.arange(256) / 256, beat_shape(STEADY))
    likeness = max(np.corrcoef(np.roll(beat, shift), known)[0, 1] for shift in range(64))
    assert likeness > 0.97


def test_noise_has_no_beat(tmp_path: Path) -> None:
    assert average_beat(_record(tmp_path / "subject_01", np.random.default_rng(1).normal(100, 1, 1500))) is None


def test_table_names_source_and_licence(tmp_path: Path) -> None:
    _record(tmp_path / "subject_07", _finger(0.2))
    assert write_beat_shapes(tmp_path, tmp_path / "beats.json") == 1
    table = json.loads((tmp_path / "beats.json").read_text())
    assert list(table["beats"]) == ["finger_07"]
    assert table["licence"] == "CC0 1.0"


def test_committed_table_is_what_the_command_makes(tmp_path: Path) -> None:
    folder = Path(__file__).parents[3].parent / "shared" / "data" / "finger"
    if not folder.is_dir():
        pytest.skip("the fingertip recordings are not here")
    write_beat_shapes(folder, tmp_path / "beats.json")
    again = json.loads((tmp_path / "beats.json").read_text())["beats"]
    assert again.keys() == real_beats().keys()
    for name, beat in real_beats().items():
        np.testing.assert_allclose(again[name], beat, atol=0.01)
