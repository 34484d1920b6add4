import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from training.datasets.splits import (
    CALIBRATION_PEOPLE,
    SPLITS,
    TEST_PEOPLE,
    TRAIN_SHARE,
    calibration_people,
    fixed_split,
    k_folds,
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


def test_each_subject_tests_once() -> None:
    folds = k_folds(_people(42))
    assert sorted(person for fold in folds for person in fold.test) == _people(42)
    assert sorted(len(fold.test) for fold in folds) == [8, 8, 8, 9, 9]


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_nobody_trains_and_tests(folds: int) -> None:
    for fold in (*k_folds(_people(10), folds), fixed_split(_people(10), 0.6)):
        assert not set(fold.train) & set(fold.test)
        assert sorted((*fold.train, *fold.test)) == _people(10)


def test_a_subject_with_many_takes_is_one_subject() -> None:
    fold = fixed_split(["a", "a", "a", "b"], 0.5)
    assert sorted((*fold.train, *fold.test)) == ["a", "b"]


def test_splits_depend_on_subjects_and_seed_alone() -> None:
    people = _people(20)
    assert k_folds(people, seed=1) == k_folds(people[::-1], seed=1) != k_folds(people, seed=2)
    assert fixed_split(people, 0.8, 1) == fixed_split(people[::-1], 0.8, 1) != fixed_split(people, 0.8, 2)


@pytest.mark.parametrize(("name", "subjects", "testing"), [("ubfc-rppg", 42, 8), ("pure", 10, 2), ("cohface", 40, 16)])
def test_the_fixed_splits_have_the_papers_shares(name: str, subjects: int, testing: int) -> None:
    assert len(fixed_split(_people(subjects), TRAIN_SHARE[name]).test) == testing


@pytest.mark.parametrize("share", [0.0, 0.01, 0.99, 1.0])
def test_a_split_has_two_sides(share: float) -> None:
    fold = fixed_split(_people(5), share)
    assert fold.train
    assert fold.test


def test_too_few_subjects_are_refused() -> None:
    with pytest.raises(ValueError, match="4 subjects cannot"):
        k_folds(_people(4))
    with pytest.raises(ValueError, match="into 1 folds"):
        k_folds(_people(4), 1)
    with pytest.raises(ValueError, match="one subject"):
        fixed_split(["a", "a"], 0.5)
