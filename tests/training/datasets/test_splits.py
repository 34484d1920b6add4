import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from training.datasets.splits import (
    CALIBRATION_PEOPLE,
    SPLITS,
    TEST_PEOPLE,
    calibration_people,
    people_of,
    seeds_of,
    test_people,
    train_people,
)
from training.synthesis.faces import LondonFaces

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


def test_people_of_a_part_of_the_london_set_keep_their_split(tmp_path: Path) -> None:
    for name in ("005_neutral.jpg", "001_neutral.jpg", "001_smiling.jpg", "001_neutral.csv", "info.csv"):
        (tmp_path / name).touch()
    people = LondonFaces(tmp_path).people
    assert [people_of(split, people) for split in ("train", "calibration", "test")] == [["001"], [], ["005"]]


def test_seeds_of_the_splits_never_meet() -> None:
    ends = [(seeds_of(split, 10_000_000)[0], seeds_of(split, 10_000_000)[-1]) for split in SPLITS]
    assert all(before[1] < after[0] for before, after in pairwise(ends))


def test_more_seeds_continue_the_first_ones() -> None:
    assert [*seeds_of("test", 3), *seeds_of("test", 2, skip=3)] == list(seeds_of("test", 5))


def test_a_split_does_not_run_into_the_next() -> None:
    with pytest.raises(ValueError, match="seeds"):
        seeds_of("train", 2, skip=9_999_999)


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
    assert held_out <= set(LondonFaces(LONDON).people)
    groups = Counter(facts[person]["face_eth"] for person in held_out)
    assert all(groups[group] >= each for group in ("black", "east_asian", "west_asian", "white"))
    genders = Counter(facts[person]["face_gender"] for person in held_out)
    assert min(genders["female"], genders["male"]) >= len(held_out) // 3
