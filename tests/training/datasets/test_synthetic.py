import json
from pathlib import Path

import pytest

from tests.service.pipeline.renders import BPM
from tests.training.datasets.folders import heart
from tests.training.videos import GROUPS, write_case
from training.datasets.errors import DatasetInvalid, FileMalformed, FilesMissing
from training.datasets.synthetic import Rendered

HEART = heart(bpm=BPM)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "video").touch()
    for seed, bpm in ((1, BPM), (2, None), (10, BPM)):
        write_case(tmp_path / "set", seed, tmp_path / "video", bpm, f"person{seed}")
        HEART.truth.write_csv(tmp_path / "set" / f"{seed}.csv")
    return tmp_path / "set"


def test_cases_with_a_pulse_are_recordings(root: Path) -> None:
    assert {r.name: r.subject for r in Rendered(root)} == {"1": "person1", "10": "person10"}


def test_a_case_keeps_its_truth_and_groups(root: Path) -> None:
    recording = next(iter(Rendered(root)))
    assert recording.source == root / "1.video"
    assert recording.groups.items() >= GROUPS.items()
    assert recording.pulse.rate_hz == pytest.approx(128, abs=0.1)
    assert recording.pulse.bpm() == pytest.approx(BPM, abs=1)


@pytest.mark.parametrize("lost", ["1.video", "10.csv"])
def test_a_missing_file_is_named(root: Path, lost: str) -> None:
    (root / lost).unlink()
    with pytest.raises(FilesMissing, match=f"missing: {lost}"):
        list(Rendered(root))


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"bpm": 3})])
def test_a_malformed_case_is_named(root: Path, text: str) -> None:
    (root / "1.json").write_text(text)
    with pytest.raises(FileMalformed) as caught:
        Rendered(root)
    assert caught.value.path == root / "1.json"


@pytest.mark.parametrize("text", ["time_s,ppg,beat\n0,1,x\n", "time_s,ppg\n0,1\n1,2\n"])
def test_a_malformed_truth_is_named(root: Path, text: str) -> None:
    (root / "1.csv").write_text(text)
    with pytest.raises(FileMalformed, match="time_s, ppg, beat") as caught:
        list(Rendered(root))
    assert caught.value.path == root / "1.csv"


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no recording of rendered"):
        Rendered(tmp_path)
