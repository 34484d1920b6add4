import sys
from pathlib import Path

import numpy as np
import pytest

from service.api.schemas import Bvp
from service.plot import PlotUnavailable, require_matplotlib, save_plot, spectrum
from tests.service.estimates import make_result

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("bpm", [45.0, 72.3, 120.0, 239.0])
def test_the_spectrum_peaks_at_the_heart_rate(bpm: float) -> None:
    wave = np.sin(2 * np.pi * bpm / 60 * np.arange(900) / 30)
    rates, power = spectrum(wave, 30.0)
    assert abs(rates[power.argmax()] - bpm) <= 0.5
    assert power.max() == 1.0


def test_a_flat_wave_has_no_power() -> None:
    _, power = spectrum(np.zeros(300), 30.0)
    assert not power.any()


def test_the_spectrum_stays_in_the_band_of_the_heart() -> None:
    rates, _ = spectrum(np.ones(300), 30.0)
    assert rates.min() >= 42
    assert rates.max() <= 240


def test_draws_a_png(tmp_path: Path) -> None:
    save_plot(make_result(), tmp_path / "out.png", truth=[(5.0, 72.0), (10.0, 71.0)])
    picture = (tmp_path / "out.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000


def test_draws_a_flat_wave_without_windows(tmp_path: Path) -> None:
    flat = Bvp(fps=30.0, start_s=0.0, values=[0.0] * 300)
    save_plot(make_result().model_copy(update={"windows": [], "bvp": flat}), tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(PNG)


def test_says_what_to_install_when_matplotlib_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PlotUnavailable, match=r"facepulse\[plot\]"):
        require_matplotlib()
