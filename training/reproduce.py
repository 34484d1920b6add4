"""Command: the tables and figures of the two papers, their figures beside ours.

python -m training.reproduce --faces FACES
python -m training.reproduce ubfc-rppg=FOLDER pure=FOLDER cohface=FOLDER own=FOLDER

SET is rendered-1 or rendered-1-pulseless (fixed sets, rendered as needed; both without any SET), webcam (videos as most
people make them, rendered likewise), webcam-minute (longer ones), webcam-minute-strong (those with twice the pulse) or
nods (heads that nod at a heart's rate), these four also with -calibration behind (the same of other people), lamps
(that flicker at a heart's rate), pulseless-minute, one of the data sets with its folder, or rendered=FOLDER for a
folder of training.evaluate's.

Prints tables 1, 2, 3, 5 and 6, writes them with plots. The models are those of the store, so trained on none of these
recordings; with --folds FOLDER each subject is scored by the store FOLDER/fold-<n> of the fold in which it tests
(`python -m training.datasets split`). Every score is kept at once: a run that was interrupted goes on.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from service.pipeline.estimate import Estimator
from service.pipeline.manifest import ModelStore
from training import costs, paper
from training.datasets.errors import DatasetInvalid
from training.datasets.splits import k_folds
from training.figures import draw_figures
from training.fixed_sets import FIXED_SETS
from training.models import NETWORKS
from training.provenance import provenance
from training.report import accuracy_tables
from training.score_book import Scored, score_takes
from training.scores import Score, with_pulse
from training.sets import SetUnknown, book_of, open_set, set_parser
from training.tables import by_model
from training.takes import CaseTakes, RecordingTakes, TakeSet
from training.trust import pulseless_table

_PREFACE = (
    "Quoted: what the papers print, measured there on the set that is named. Ours: the service's whole chain with "
    "{models}. The reference of a recording is the mean over its 10-s windows, of a rendered video the mean rate of "
    "its beats. Waves are aligned by their times alone, z-scored over the video, compared in stretches of 180 samples."
)
TABLES = (1, 2, 3, 5, 6)
_HWANG, _YOON = "Hwang, Park & Lee 2023", "Yoon 2023"
_CROSS = (
    "the models of the store, the same for all sets; the released ones have learned nothing of these. By lamps, "
    "pulseless-minute and the sets named calibration constants of the confidence and of the rate's choice were set"
)
_FOLDED = "the models of the fold in which a recording's subject tests"


def stores_of(takes: TakeSet, args: argparse.Namespace) -> Callable[[str], Path]:
    """Return which model store answers for a video: that of its subject's fold, or the one for all.

    Raises ValueError for fewer subjects than folds.
    """
    if args.folds is None or isinstance(takes, CaseTakes):
        return lambda _: args.model_store
    folds = k_folds({takes.person(name) for name in _all_names(takes)}, seed=args.seed)
    number = {person: index for index, fold in enumerate(folds, 1) for person in fold.test}
    return lambda name: args.folds / f"fold-{number[takes.person(name)]}"


def _all_names(takes: TakeSet) -> Sequence[str]:
    """Return the names of a data set's recordings, also of those beyond --limit: folds are of all subjects."""
    return [place.name for place in takes.folder.places] if isinstance(takes, RecordingTakes) else takes.names


def paper_tables(numbers: Sequence[int], sets: Mapping[str, Sequence[Score]], store: ModelStore) -> dict[str, str]:
    """Return those of tables 1, 2, 3, 5 and 6 that are asked for by their titles; sets: those with a pulse."""
    students = paper.students(store)
    makers: dict[int, tuple[str, Callable[[], str]]] = {
        1: (_HWANG, lambda: paper.rate_table("UBFC-rPPG", paper.TABLE_1, sets, all_models=True)),
        2: (_HWANG, lambda: paper.rate_table("UBFC-rPPG", paper.with_models(paper.TABLE_2, students), sets)),
        3: (_HWANG, lambda: paper.rate_table("own recordings", paper.with_models(paper.TABLE_3, students), sets)),
        5: (f"{_YOON}: STD / RMSE / r of the wave", lambda: paper.wave_table(sets)),
        6: (f"{_YOON}: what the networks cost", _cost_table),
    }
    return {f"Table {number} of {makers[number][0]}": makers[number][1]() for number in numbers}


def _cost_table() -> str:
    explained = "\n".join(f"- {name}: {explain()}" for name, explain in costs.EXPLAINED.items())
    return f"{costs.table(NETWORKS)}\n\n{explained}"


def report(
    sets: Mapping[str, Scored], tables: Mapping[str, str], sign: Callable[[Sequence[str]], str], *, folded: bool
) -> str:
    """Return everything as Markdown: the papers' tables by their titles, then each set.

    sign: makes the paragraph under each table of the revisions at which its scores were made.
    """
    revisions = sorted({revision for scored in sets.values() for revision in scored.revisions})
    parts = [_PREFACE.format(models=_FOLDED if folded else _CROSS)]
    for title, table in tables.items():
        parts += [f"## {title}", table, sign(revisions)]
    for name, scored in sets.items():
        parts += [f"## {name}", _summary(scored.scores)]
        beating = with_pulse(scored.scores)
        own = accuracy_tables(beating) if by_model(beating) else []
        if len(beating) < len(scored.scores):
            own.append(pulseless_table(scored.scores))
        for table in own:
            parts += [table, sign(scored.revisions)]
    return "\n\n".join(parts) + "\n"


def _summary(scores: Sequence[Score]) -> str:
    videos, refused = ({s.name for s in some} for some in (scores, [s for s in scores if s.error_code]))
    return f"{len(videos)} videos, {len(refused)} of them refused by the service (no face found and the like)."


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when a set cannot be used or the service refused all of it."""
    args = _parser().parse_args(arguments)
    try:
        opened = [open_set(name, args) for name in args.sets or list(FIXED_SETS)]
        stores = {takes.name: stores_of(takes, args) for takes in opened}
    except (SetUnknown, DatasetInvalid, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    store = args.folds / "fold-1" if args.folds else args.model_store
    models = args.models or list(Estimator(store).names)
    sets = {}
    for takes in opened:
        sets[takes.name] = score_takes(takes, models, stores[takes.name], book_of(takes, args), jobs=args.jobs)
    if all(score.error_code for scored in sets.values() for score in scored.scores):
        print("the service refused every video", file=sys.stderr)
        return 2
    beating = {name: found for name, scored in sets.items() if (found := with_pulse(scored.scores))}
    tables = paper_tables(args.tables, beating, ModelStore(store))
    sign = partial(provenance, "training.reproduce", arguments, args.seed)
    text = report(sets, tables, sign, folded=args.folds is not None)
    (args.out / "tables.md").write_text(text)
    print(text)
    for takes in opened:
        draw_figures(takes, sets, args.out, args.figure_model, stores[takes.name])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = set_parser(__doc__)
    parser.add_argument("--tables", type=int, nargs="*", choices=TABLES, default=TABLES, help="which of the papers'")
    parser.add_argument("--folds", type=Path, help="folder of the model stores fold-1 to fold-5")
    parser.add_argument("--figure-model", default="student", help="whose waves are drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
