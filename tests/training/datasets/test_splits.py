import csv
from collections import Counter
from pathlib import Path

import pytest

from training.datasets.splits import (
    CALIBRATION_PEOPLE,
    TEST_PEOPLE,
    calibration_people,
    people_in,
    people_of,
    test_people,
    train_people,
)

test_people.__test__ = False  # type: ignore[attr-defined]  # a function of the splits, not a test
LONDON = Path(__file__).parents[3].parent / "shared" / "data" / "faces"
ALL_SPLITS = (train_people, calibration_people, test_people)
needs_london = pytest.mark.skipif(not LONDON.is_dir(), reason="the London faces are not here")


def _people(count: int = 173) -> list[str]:
    return [f"{number:03d}" for number in range(1, count + 1)]


def test_twelve_test_and_eight_calibrate() -> None:
    assert (len(TEST_PEOPLE), len(CALIBRATION_PEOPLE)) == (12, 8)


def test_nobody_is_in_two_sets_and_nobody_is_lost() -> None:
    sets = [split(_people()) for split in ALL_SPLITS]
    assert sorted(person for people in sets for person in people) == _people()


def test_reads_people_from_a_folder(tmp_path: Path) -> None:
    for name in ("005_neutral.jpg", "001_neutral.jpg", "001_smiling.jpg", "001_neutral.csv", "info.csv"):
        (tmp_path / name).touch()
    assert people_in(tmp_path) == ["001", "005"]
    assert train_people(tmp_path) == ["001"]
    assert test_people(tmp_path) == ["005"]


def test_other_people_are_dealt_out_without_overlap() -> None:
    people = [f"drawn_{number:03d}" for number in range(60)]
    dealt = [people_of(split, people) for split in ("train", "calibration", "test")]
    assert all(dealt)
    assert sorted(person for part in dealt for person in part) == people


@needs_london
@pytest.mark.parametrize(("held_out", "each"), [(TEST_PEOPLE, 2), (CALIBRATION_PEOPLE, 1)])
def test_held_out_sets_are_mixed(held_out: frozenset[str], each: int) -> None:
    with (LONDON / "info.csv").open() as file:
        facts = {row["face_id"]: row for row in csv.DictReader(file)}
    assert held_out <= set(people_in(LONDON))
    groups = Counter(facts[person]["face_eth"] for person in held_out)
    assert all(groups[group] >= each for group in ("black", "east_asian", "west_asian", "white"))
    genders = Counter(facts[person]["face_gender"] for person in held_out)
    assert min(genders["female"], genders["male"]) >= len(held_out) // 3
