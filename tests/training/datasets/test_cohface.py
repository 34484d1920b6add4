from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.training.datasets.folders import heart, write_cohface
from training.datasets.cohface import Cohface
from training.datasets.errors import DatasetInvalid, FileMalformed, FilesMissing

HEART = heart()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_cohface(tmp_path, "1", "0", HEART)
    write_cohface(tmp_path, "1", "2", HEART)
    write_cohface(tmp_path, "12", "3", HEART)
    (tmp_path / "protocols").mkdir()
    return tmp_path


def test_sessions_are_recordings_of_a_person(root: Path) -> None:
    found = [(r.subject, r.name, r.groups["light"]) for r in Cohface(root)]
    assert found == [("1", "1/0", "lamp"), ("1", "1/2", "natural"), ("12", "12/3", "natural")]


def test_the_pulse_keeps_its_own_times(root: Path) -> None:
    recording = next(iter(Cohface(root)))
    assert recording.source == root / "1" / "0" / "data.avi"
    assert recording.pulse.rate_hz == pytest.approx(256, abs=0.1)
    truth = np.interp(recording.pulse.times_s, HEART.truth.times_s, HEART.truth.ppg)
    assert np.corrcoef(recording.pulse.values, truth)[0, 1] > 0.99
    assert recording.heart_rate is None


@pytest.mark.parametrize("lost", ["1/0/data.avi", "12/3/data.hdf5"])
def test_a_missing_file_is_named(root: Path, lost: str) -> None:
    (root / lost).unlink()
    with pytest.raises(FilesMissing, match=lost):
        list(Cohface(root))


def test_a_file_of_another_kind_is_named(root: Path) -> None:
    (root / "1" / "0" / "data.hdf5").write_bytes(b"no HDF5")
    with pytest.raises(FileMalformed, match="is not an HDF5 file") as caught:
        list(Cohface(root))
    assert caught.value.path == root / "1" / "0" / "data.hdf5"


@pytest.mark.parametrize("name", ["pulse", "time"])
def test_numbers_that_lack_are_named(root: Path, name: str) -> None:
    with h5py.File(root / "1" / "0" / "data.hdf5", "a") as file:
        del file[name]
        file[name] = "words"
    with pytest.raises(FileMalformed, match=f"holds no numbers called {name}"):
        list(Cohface(root))


def test_times_and_pulse_must_fit(root: Path) -> None:
    with h5py.File(root / "1" / "0" / "data.hdf5", "a") as file:
        del file["pulse"]
        file["pulse"] = np.zeros(7)
    with pytest.raises(FileMalformed, match="shape"):
        list(Cohface(root))


def test_what_is_not_here_is_known_by_name(root: Path) -> None:
    absent = Cohface(root).absent()
    assert (len(absent), absent[0]) == (157, "1/1")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(DatasetInvalid, match="no recording of cohface; the whole set is 40 people"):
        Cohface(tmp_path)
