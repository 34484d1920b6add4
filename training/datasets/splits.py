"""Which person trains, which fits confidences and which tests. Nobody is in two sets.

The ids are those of the Face Research Lab London Set (DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666). Both
held-out sets are mixed in the set's own four groups (black, east Asian, west Asian, white) and in gender, with more of
the darker skin tones than their share of the set: that is where the pulse is weakest.
"""

from collections.abc import Callable, Iterable, Sequence
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
