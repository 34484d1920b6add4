"""Sets of videos as the commands that score them name them, and the options that all of these have."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.benchmark import CaseSet, make_cases
from training.datasets.catalogue import DATASETS
from training.fixed_sets import FIXED_SETS
from training.lamps import LAMPS
from training.nods import NODS
from training.pulseless import PULSELESS_MINUTE
from training.score_book import ScoreBook, Scored, score_takes
from training.takes import CaseTakes, RecordingTakes, TakeSet
from training.webcam import WEBCAM_SETS

RENDERED = "rendered"
_MADE: Mapping[str, CaseSet] = {  # rendered as needed
    **FIXED_SETS,
    **WEBCAM_SETS,
    **NODS,
    **{drawn.name: drawn for drawn in (LAMPS, PULSELESS_MINUTE)},
}


class SetUnknown(Exception):
    """A set that is asked for is none, or lacks what it is made of."""


def open_set(name: str, args: argparse.Namespace) -> TakeSet:
    """Return the set of a word of the command line, rendering what is missing. Raises SetUnknown or DatasetInvalid."""
    kind, _, folder = name.partition("=")
    if kind in _MADE and not folder:
        if args.faces is None:
            raise SetUnknown(f"{kind} needs the London set's faces: --faces")
        return CaseTakes(kind, make_cases(_MADE[kind], args.videos, args.faces, jobs=args.jobs, limit=args.limit))
    if kind == RENDERED and folder:
        return CaseTakes.of_folder(Path(folder).name, Path(folder), args.limit)
    if kind in DATASETS and folder:
        return RecordingTakes(DATASETS[kind](Path(folder)), args.limit)
    known = ", ".join([*_MADE, *(f"{dataset}=FOLDER" for dataset in DATASETS)])
    raise SetUnknown(f"{name} is no set; there are {known}")


def score_all(opened: Sequence[TakeSet], models: Sequence[str], args: argparse.Namespace) -> Scored:
    """Return the answers of the models of one store for the videos of all sets, those that are kept and the missing."""
    found = [score_takes(one, models, lambda _: args.model_store, book_of(one, args), jobs=args.jobs) for one in opened]
    revisions = {revision for scored in found for revision in scored.revisions}
    return Scored([score for scored in found for score in scored.scores], sorted(revisions))


def book_of(takes: TakeSet, args: argparse.Namespace) -> ScoreBook:
    """Open the scores that are kept of a set."""
    return ScoreBook(args.out / "scores" / f"{takes.name}.jsonl")


def set_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the sets and of what it takes to score them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help="NAME or NAME=FOLDER")
    parser.add_argument("--limit", type=int, help="the first videos of each set only")
    parser.add_argument("--faces", type=Path, help="folder of the London set")
    parser.add_argument("--videos", type=Path, default=Path("runs/benchmark"), help="where rendered videos are kept")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    parser.add_argument("--models", nargs="+", help="all of them by default")
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="tables, plots and scores")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser
