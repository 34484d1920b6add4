"""Command: what is in a folder of recordings, and who of them trains and who tests.

python -m training.datasets check ubfc-rppg FOLDER
python -m training.datasets split ubfc-rppg FOLDER
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from service.pipeline.errors import InputError
from training.datasets.catalogue import DATASETS
from training.datasets.errors import DatasetInvalid
from training.datasets.folder import Place, RecordingFolder
from training.datasets.recording import Recording
from training.datasets.splits import DEFAULT_TRAIN_SHARE, TRAIN_SHARE, fixed_split, k_folds
from training.tables import markdown

_HEADER = ["recording", "subject", "video s", "pulse s", "pulse Hz", "bpm", "sensor's bpm", ""]
_NAMED = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 when something is missing or broken, 2 when there is no data set at all."""
    parser = argparse.ArgumentParser(
        prog="python -m training.datasets", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["check", "split"])
    parser.add_argument("dataset", choices=sorted(DATASETS))
    parser.add_argument("root", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    args = parser.parse_args(arguments)
    try:
        folder = DATASETS[args.dataset](args.root)
        return check(folder) if args.action == "check" else split(folder, args.seed)
    except (DatasetInvalid, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def check(folder: RecordingFolder) -> int:
    """Print a line per recording, then what is wrong and what is not here; return 0, or 1 if anything is wrong."""
    rows, faults = [], []
    for place in folder.places:
        row, fault = _look(folder, place)
        rows.append(row)
        faults += [fault] if fault else []
    print(markdown(_HEADER, rows))
    subjects = {place.subject for place in folder.places}
    print(f"\n{len(folder)} recordings of {len(subjects)} subjects; {folder.size}. {folder.licence}.")
    absent = folder.absent()
    if absent:
        more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
        print(f"Not here: {', '.join(absent[:_NAMED])}{more}.")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def split(folder: RecordingFolder, seed: int) -> int:
    """Print who tests in each of five folds and in the fixed split, as lists for --val-people of training.train."""
    people = [f"{folder.dataset}/{place.subject}" for place in folder.places]
    share = TRAIN_SHARE.get(folder.dataset, DEFAULT_TRAIN_SHARE)
    fixed = fixed_split(people, share, seed)
    print(f"fixed, {len(fixed.train)} train, {len(fixed.test)} test: {','.join(fixed.test)}")
    for number, fold in enumerate(k_folds(people, seed=seed), 1):
        print(f"fold {number}, {len(fold.train)} train, {len(fold.test)} test: {','.join(fold.test)}")
    return 0


def _look(folder: RecordingFolder, place: Place) -> tuple[list[str], str | None]:
    """Return a recording's row and what is wrong with it, if anything."""
    try:
        if place.missing:
            return _broken(place, "missing"), f"missing: {', '.join(str(path) for path in place.missing)}"
        return _row(folder.read(place)), None
    except DatasetInvalid as error:
        return _broken(place, "broken"), f"broken: {error}"
    except InputError as error:
        return _broken(place, "broken"), f"broken: {place.files[0]}: {error.detail}"


def _broken(place: Place, how: str) -> list[str]:
    return [place.name, place.subject, *["-"] * (len(_HEADER) - 3), how]


def _row(recording: Recording) -> list[str]:
    """Return a row of the table. Raises InputError when the video does not even open."""
    with recording.open() as frames:
        video_s = frames.expected_duration_s
    pulse, device = recording.pulse, recording.heart_rate
    return [
        recording.name,
        recording.subject,
        "-" if video_s is None else f"{video_s:.1f}",
        f"{pulse.times_s[0]:.1f} to {pulse.times_s[-1]:.1f}",
        f"{pulse.rate_hz:.1f}",
        f"{pulse.bpm():.1f}",
        "-" if device is None else f"{device.values.mean():.1f}",
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())
