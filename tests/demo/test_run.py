import re
from pathlib import Path

import numpy as np
import pytest

from demo.run import CLIP, PICTURE, TRUTH, Array, beats, main, read_truth, true_bpm, truth_by_window
from tests.service.estimates import make_result


def wave(bpm: float, *, duration_s: float = 15.0, rate_hz: float = 60.0) -> tuple[Array, Array]:
    """A pulse with a second, smaller bump in each beat."""
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    phase = 2 * np.pi * bpm / 60 * time_s
    return time_s, np.sin(phase) + 0.4 * np.sin(2 * phase + 1)


@pytest.mark.parametrize("bpm", [42.0, 61.7, 95.0, 180.0])
def test_beats_give_the_heart_rate(bpm: float) -> None:
    assert true_bpm(beats(*wave(bpm)), 0.0, 15.0) == pytest.approx(bpm, abs=0.2)


def test_a_span_is_counted_in_fractions_of_beats() -> None:
    beats_s = np.array([0.0, 1.0, 2.0, 2.5, 3.0])
    assert true_bpm(beats_s, 1.5, 2.5) == pytest.approx(90.0)


def test_each_window_has_its_truth() -> None:
    truth = truth_by_window(make_result(), beats(*wave(72.0)))
    assert [middle for middle, _ in truth] == [5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    assert all(abs(bpm - 72) < 0.3 for _, bpm in truth)


def test_reads_the_truth_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("time_s,ppg\n0.0,0.5\n0.1,-1\n")
    time_s, ppg = read_truth(tmp_path / "t.csv")
    assert (time_s.tolist(), ppg.tolist()) == ([0.0, 0.1], [0.5, -1.0])


def test_the_clips_truth_is_a_heart_rate() -> None:
    time_s, ppg = read_truth(TRUTH)
    assert time_s[-1] - time_s[0] == pytest.approx(15, abs=0.5)
    assert 40 < true_bpm(beats(time_s, ppg), 0, 15) < 180


def test_the_clip_is_small() -> None:
    assert CLIP.stat().st_size < 1_500_000


def test_the_whole_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main() == 0
    measured, truth, status = re.findall(
        r"heart rate +([0-9.]+) bpm +known truth ([0-9.]+) bpm.*status +(\w+)", capsys.readouterr().out, re.DOTALL
    )[0]
    assert status == "ok"
    assert float(measured) == pytest.approx(float(truth), abs=5)
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_an_answer_that_is_an_error_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("demo.run.CLIP", Path(__file__))
    assert main() == 1
    assert "415" in capsys.readouterr().err
