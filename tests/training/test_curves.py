from pathlib import Path

import pytest

from training.curves import plot_curves


@pytest.mark.parametrize(
    "history",
    [
        [],
        [{"step": 20.0, "elapsed_s": 1.0, "total": 0.5}],
        [{"step": float(i), "elapsed_s": 1.0, "total": 1 / (i + 1), "derivative_mse": 1.0} for i in range(60)]
        + [{"step": 60.0, "elapsed_s": 1.0, "band_r": 0.5, "bpm_mae": 4.0, "clips": 2.0}],
    ],
)
def test_a_picture_is_written(tmp_path: Path, history: list[dict[str, float]]) -> None:
    plot_curves(history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
