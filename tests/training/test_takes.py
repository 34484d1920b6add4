"""Rendered cases and recordings are the same kind of thing to whoever scores them."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.service.pipeline.renders import BPM
from tests.training.videos import DURATION_S, GROUPS, write_case
from training.datasets.errors import FilesMissing
from training.datasets.own import OwnRecordings
from training.datasets.recording import Trace
from training.takes import CaseTakes, RecordingTakes, Reference


def pulse(bpm: float, duration_s: float = 30.0, *, second: float = 0.0) -> Trace:
    times_s = np.arange(0, duration_s, 1 / 64)
    turn = 2 * np.pi * bpm / 60 * times_s
    return Trace(times_s, np.sin(turn) + second * np.sin(2 * turn))


def own_takes(folder: Path, limit: int | None = None) -> RecordingTakes:
    for name in ("ann/1", "ben/2"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".mp4").touch()
        trace = pulse(72.0)
        rows = [f"{t},{v}" for t, v in zip(trace.times_s, trace.values, strict=True)]
        path.with_suffix(".csv").write_text("\n".join(["time_s,ppg", *rows]))
    return RecordingTakes(OwnRecordings(folder), limit)


def test_beats_tell_the_rate_where_the_spectrum_would_tell_a_harmonic() -> None:
    trace = pulse(48.0, second=3.0)
    assert trace.bpm(0.0, 10.0) == pytest.approx(96, abs=1)
    beats_s = np.arange(0.3, 30, 60 / 48)
    assert Reference(trace, beats_s).bpm(0.0, 10.0) == pytest.approx(48, abs=0.01)


def test_without_beats_the_spectrum_tells() -> None:
    assert Reference(pulse(72.0)).bpm(5.0, 15.0) == pytest.approx(72, abs=0.5)


def test_two_beats_are_too_few() -> None:
    assert Reference(pulse(72.0), np.array([1.0, 9.0])).bpm(0.0, 10.0) == pytest.approx(72, abs=0.5)


def test_a_recordings_rate_is_the_mean_over_its_windows() -> None:
    slow, fast = pulse(60.0, 20.0), pulse(90.0, 20.0)
    both = Trace(np.append(slow.times_s, 20 + fast.times_s), np.append(slow.values, fast.values))
    assert Reference(both).mean_bpm(40.0) == pytest.approx(75, abs=2)
    assert Reference(both).mean_bpm(20.0) == pytest.approx(60, abs=0.5)


def test_what_is_shorter_than_a_window_is_one_window() -> None:
    assert Reference(pulse(72.0)).mean_bpm(6.0) == pytest.approx(72, abs=1)


def test_windows_in_which_the_sensor_failed_do_not_count() -> None:
    trace = pulse(60.0, 40.0)
    values = np.where(trace.times_s > 20, 0.0, trace.values)
    assert Reference(Trace(trace.times_s, values)).mean_bpm(40.0) == pytest.approx(60, abs=0.5)


def test_the_wave_is_at_the_times_that_are_asked_for() -> None:
    wave = Reference(pulse(72.0)).wave(5.0, 300, 30.0)
    expected = np.sin(2 * np.pi * 1.2 * (5.0 + np.arange(300) / 30))
    assert np.corrcoef(wave, expected)[0, 1] > 0.99


def test_a_case_brings_its_beats_and_mean_rate(tmp_path: Path) -> None:
    (tmp_path / "video").touch()
    takes = CaseTakes("set", [write_case(tmp_path / "set", 5, tmp_path / "video", BPM)])
    take = takes.read("5")
    assert take.reference is not None
    assert take.reference.bpm(0.0, DURATION_S) == pytest.approx(BPM, abs=1)
    assert take.bpm == BPM
    assert take.groups.items() >= GROUPS.items()
    assert (takes.names, takes.person("5")) == (["5"], "astronaut")


def test_a_case_without_a_pulse_has_no_reference(tmp_path: Path) -> None:
    (tmp_path / "video").touch()
    take = CaseTakes("set", [write_case(tmp_path / "set", 5, tmp_path / "video", None)]).read("5")
    assert take.reference is None
    assert take.bpm is None


def test_a_folder_of_cases_is_read_by_seed(tmp_path: Path) -> None:
    (tmp_path / "video").touch()
    for seed in (10, 9, 11):
        write_case(tmp_path / "set", seed, tmp_path / "video", BPM)
    assert CaseTakes.of_folder("set", tmp_path / "set", 2).names == ["9", "10"]


def test_a_recording_brings_its_sensors_wave(tmp_path: Path) -> None:
    takes = own_takes(tmp_path)
    take = takes.read("ben/2")
    assert take.reference is not None
    assert take.reference.mean_bpm(30.0) == pytest.approx(72, abs=0.5)
    assert (takes.name, takes.names, takes.person("ben/2")) == ("own", ["ann/1", "ben/2"], "own/ben")
    assert [path.name for path in takes.files("ben/2")] == ["2.mp4", "2.csv"]


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    assert own_takes(tmp_path, 1).names == ["ann/1"]


def test_recordings_with_missing_files_are_refused(tmp_path: Path) -> None:
    own_takes(tmp_path)
    (tmp_path / "ann" / "1.mp4").unlink()
    with pytest.raises(FilesMissing):
        RecordingTakes(OwnRecordings(tmp_path))


def test_sets_travel_to_other_processes(tmp_path: Path) -> None:
    takes = own_takes(tmp_path)
    assert pickle.loads(pickle.dumps(takes)).names == takes.names
