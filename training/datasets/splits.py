"""Which person trains, which fits confidences and which tests. Nobody is in two sets.

Recordings are split by `k_folds` and `fixed_split`; the rest is about rendered clips. The ids there are those of the
Face Research Lab London Set (DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666). Both held-out sets are mixed in
the set's own four groups (black, east Asian, west Asian, white) and in gender, with more of the darker skin tones than
their share of the set: that is where the pulse is weakest.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

TEST_PEOPLE = frozenset({"005", "014", "027", "038", "042", "062", "087", "094", "114", "115", "121", "141"})
CALIBRATION_PEOPLE = frozenset({"007", "034", "037", "061", "104", "119", "125", "129"})


def train_people(people: Iterable[str]) -> list[str]:
    """Return, sorted, those of `people` that models may be trained on."""
    return sorted(set(people) - TEST_PEOPLE - CALIBRATION_PEOPLE)


def calibration_people(people: Iterable[str]) -> list[str]:
    """Return, sorted, those of `people` that confidences are fitted on."""
    return sorted(set(people) & CALIBRATION_PEOPLE)


def test_people(people: Iterable[str]) -> list[str]:
    """Return, sorted, those of `people` that no training and no fitting ever sees."""
    return sorted(set(people) & TEST_PEOPLE)


SPLITS: dict[str, Callable[[Iterable[str]], list[str]]] = {
    "train": train_people,
    "calibration": calibration_people,
    "test": test_people,
}
_SEEDS_PER_SPLIT = 10_000_000


def seeds_of(split: str, count: int, *, skip: int = 0) -> range:
    """Return `count` seeds of rendered clips after the first `skip` of a split; no seed is in two splits.

    Raises ValueError for more seeds than a split has.
    """
    if skip + count > _SEEDS_PER_SPLIT:
        raise ValueError(f"a split has {_SEEDS_PER_SPLIT} seeds")
    first = _SEEDS_PER_SPLIT * list(SPLITS).index(split) + skip
    return range(first, first + count)


def people_of(split: str, people: Sequence[str]) -> list[str]:
    """Return those of `people` that are in a split; other people than the London set's are dealt out by their name.

    Of those, one in six tests and one in six calibrates. A single person is in every split: there is nobody else.
    """
    if len(people) == 1:
        return list(people)
    if any(person in TEST_PEOPLE | CALIBRATION_PEOPLE for person in people):
        return SPLITS[split](people)
    return [person for person in sorted(people) if _dealt(person) == split]


def _dealt(person: str) -> str:
    return {0: "test", 1: "calibration"}.get(crc32(person.encode()) % 6, "train")


@dataclass(frozen=True, slots=True)
class Fold:
    """Who trains and who tests, each sorted; everyone is in one of the two."""

    train: tuple[str, ...]
    test: tuple[str, ...]


# The shares of clips that Yoon (2023) trains on, 323 of 407, 514 of 647 and 487 of 810; here subjects are dealt.
TRAIN_SHARE = {"ubfc-rppg": 0.8, "pure": 0.8, "cohface": 0.6}
DEFAULT_TRAIN_SHARE = 0.8


def k_folds(subjects: Iterable[str], folds: int = 5, seed: int = 0) -> list[Fold]:
    """Return folds of cross-validation (Hwang et al. 2023: five): each subject tests once. Sizes differ by at most one.

    Raises ValueError for fewer subjects than folds, or fewer than two folds.
    """
    order = _shuffled(subjects, seed)
    if not 2 <= folds <= len(order):
        raise ValueError(f"{len(order)} subjects cannot be dealt into {folds} folds")
    return [_fold(order, order[index::folds]) for index in range(folds)]


def fixed_split(subjects: Iterable[str], train_share: float, seed: int = 0) -> Fold:
    """Return one split with about train_share (0..1, see TRAIN_SHARE) of the subjects in training, never all or none.

    Raises ValueError for fewer than two subjects.
    """
    order = _shuffled(subjects, seed)
    if len(order) < 2:
        raise ValueError("one subject cannot both train and test")
    testing = min(max(round(len(order) * (1 - train_share)), 1), len(order) - 1)
    return _fold(order, order[:testing])


def _shuffled(subjects: Iterable[str], seed: int) -> list[str]:
    order = sorted(set(subjects))
    random.Random(seed).shuffle(order)
    return order


def _fold(everyone: Sequence[str], test: Sequence[str]) -> Fold:
    return Fold(tuple(sorted(set(everyone) - set(test))), tuple(sorted(test)))
