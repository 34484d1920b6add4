from pathlib import Path

import numpy as np
import pytest

from tests.training.datasets.folders import heart, write_first_ubfc, write_second_ubfc
from training.datasets.errors import DatasetInvalid, FileMalformed, FilesMissing
from training.datasets.ubfc_rppg import UbfcRppg

HEART = heart()


@pytest.fixture
def both(tmp_path: Path) -> Path:
    write_first_ubfc(tmp_path / "DATASET_1" / "5-gt", HEART)
    write_first_ubfc(tmp_path / "DATASET_1" / "after-exercise", HEART, "vid-007.avi")
    write_second_ubfc(tmp_path / "DATASET_2" / "subject1", HEART)
    return tmp_path


def test_both_parts_are_read(both: Path) -> None:
    recordings = {recording.name: recording for recording in UbfcRppg(both)}
    assert list(recordings) == ["5-gt", "after-exercise", "subject1"]
    assert all((r.dataset, r.subject) == ("ubfc-rppg", name) for name, r in recordings.items())
    assert recordings["after-exercise"].source == both / "DATASET_1" / "after-exercise" / "vid-007.avi"
    assert "Bobbia" in recordings["5-gt"].licence


def test_the_pulse_keeps_its_own_times(both: Path) -> None:
    first, _, second = UbfcRppg(both)
    assert first.pulse.rate_hz == pytest.approx(62, abs=0.5)
    assert second.pulse.rate_hz == pytest.approx(30, abs=0.1)
    for recording in (first, second):
        truth = np.interp(recording.pulse.times_s, HEART.truth.times_s, HEART.truth.ppg)
        assert np.corrcoef(recording.pulse.values, truth)[0, 1] > 0.99
        assert recording.pulse.times_s[0] == pytest.approx(-0.03, abs=0.003)
        assert recording.pulse.bpm() == pytest.approx(84, abs=1)


def test_the_oximeters_own_reading_is_kept(both: Path) -> None:
    for recording in UbfcRppg(both):
        assert recording.heart_rate is not None
        assert set(recording.heart_rate.values) == {84}


@pytest.mark.parametrize("part", ["DATASET_1", "DATASET_2"])
def test_the_root_may_be_one_part(both: Path, part: str) -> None:
    assert len(UbfcRppg(both / part)) == {"DATASET_1": 2, "DATASET_2": 1}[part]


@pytest.mark.parametrize(
    "lost",
    ["DATASET_1/5-gt/gtdump.xmp", "DATASET_1/after-exercise/vid-007.avi", "DATASET_2/subject1/ground_truth.txt"],
)
def test_a_missing_file_is_named(both: Path, lost: str) -> None:
    (both / lost).unlink()
    with pytest.raises(FilesMissing, match=lost.replace("vid-007", "vid")) as caught:
        next(iter(UbfcRppg(both)))
    assert caught.value.paths == (both / lost.replace("vid-007", "vid"),)


def test_an_empty_subject_lacks_both_files(both: Path) -> None:
    (both / "DATASET_2" / "subject3").mkdir()
    with pytest.raises(FilesMissing) as caught:
        UbfcRppg(both).check()
    assert [path.name for path in caught.value.paths] == ["vid.avi", "ground_truth.txt"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("DATASET_2/subject1/ground_truth.txt", "1 2 3\n4 5 6\n", "has 2 lines"),
        ("DATASET_2/subject1/ground_truth.txt", "1 2 3\n4 5 6\n0 1\n", "shape"),
        ("DATASET_2/subject1/ground_truth.txt", "1 2 3\n4 x 6\n0 1 2\n", "line 2 holds something"),
        ("DATASET_2/subject1/ground_truth.txt", "", "has 0 lines"),
        ("DATASET_1/5-gt/gtdump.xmp", "0,84,97,50\n16,84,97\n", "line 2 has 3 columns"),
        ("DATASET_1/5-gt/gtdump.xmp", "time,hr,spo2,ppg\n", "line 1 holds something"),
        ("DATASET_1/5-gt/gtdump.xmp", "", "fewer than two samples"),
    ],
)
def test_a_malformed_truth_is_named(both: Path, file: str, text: str, said: str) -> None:
    (both / file).write_text(text)
    with pytest.raises(FileMalformed, match=said) as caught:
        list(UbfcRppg(both))
    assert caught.value.path == both / file


def test_bytes_are_no_text(both: Path) -> None:
    (both / "DATASET_1/5-gt/gtdump.xmp").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileMalformed, match="cannot be read as text"):
        list(UbfcRppg(both))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no recording of ubfc-rppg; the authors hand out 8"):
        UbfcRppg(tmp_path)
    with pytest.raises(DatasetInvalid, match="is not a folder"):
        UbfcRppg(tmp_path / "nowhere")


def test_one_subject_twice_is_refused(both: Path) -> None:
    write_second_ubfc(both / "copy" / "subject1", HEART)
    with pytest.raises(DatasetInvalid, match="two recordings of the name subject1"):
        UbfcRppg(both)
