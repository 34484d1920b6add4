"""The tables of the two papers, their printed figures beside ours.

Hwang, Park & Lee 2023 (teacher, student, distillation): tables 1, 2 and 3. Yoon 2023 (attention encoders and
MobileNetV3): table 5; its table 6 is that of costs.py. What a paper prints is quoted and marked so; of most of those
systems neither code nor data were ever public. Ours are scored as they are released, by the service's own chain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.pipeline.manifest import ModelStore
from training import metrics
from training.scores import Score
from training.tables import by_model, columns, markdown


@dataclass(frozen=True, slots=True)
class Row:
    """One system: what the paper calls it, what it prints of it, and the name of our model, where we have one."""

    system: str
    quoted: tuple[str, ...]
    model: str | None = None


TABLE_1 = (
    Row("Meta-rPPG", ("5.97", "7.42")),
    Row("SynRhythm", ("5.59", "6.82")),
    Row("3D CNN", ("5.45", "8.64")),
    Row("CHROM", ("4.70", "6.61"), "chrom"),
    Row("AHRE", ("4.20", "5.78")),
    Row("PhysNet", ("3.63", "5.29"), "physnet"),
    Row("PulseGAN", ("1.19", "2.10")),
    Row("rPPGNet", ("0.72", "1.47")),
)
TABLE_2 = (
    Row("teacher", ("0.9563", "1.5795"), "teacher"),
    Row("student", ("4.5589", "9.6856")),
    Row("student + KD", ("3.4444", "7.2979")),
)
TABLE_3 = (
    Row("teacher", ("2.1803", "5.9514"), "teacher"),
    Row("student", ("2.8000", "6.7063")),
    Row("student + KD", ("2.5183", "6.2080")),
)
# UBFC-rPPG, COHFACE, PURE: standard deviation, RMSE and Pearson's r of the z-scored wave.
TABLE_5_SETS = ("UBFC", "COHFACE", "PURE")
TABLE_5 = (
    Row("PhysFormer", (".6984 / .6988 / .6974", ".932 / .9324 / .3904", ".8627 / .8628 / .5195"), "physformer"),
    Row("ResNet18", (".9814 / .9818 / .3843", ".9977 / .998 / .1329", "1.038 / 1.041 / .3168"), "resnet18"),
    Row("TS-CAN", (".7499 / .7502 / .6252", ".9552 / .9555 / .3044", ".8373 / .8377 / .5532"), "ts_can"),
    Row("proposed", (".7363 / .7402 / .6489", ".8494 / .8545 / .5242", ".8015 / .8048 / .6008"), "mobilenetv3"),
)
Scores = Mapping[str, Sequence[Score]]  # by the name of the set


Cells = Callable[[Sequence[Score]], list[str]]


def with_models(rows: Sequence[Row], models: Mapping[str, str]) -> list[Row]:
    """Return the rows with the models of some systems named; which student was taught, the model store knows."""
    return [replace(row, model=models.get(row.system, row.model)) for row in rows]


def students(store: ModelStore) -> dict[str, str]:
    """Return which released models are the papers' `student` and `student + KD`, where there are such."""
    named = [manifest for manifest in store.pulse_models() if manifest.name.startswith("student")]
    found = {"student + KD" if "distilled" in one.training.recipe else "student": one.name for one in reversed(named)}
    return dict(sorted(found.items()))


def rate_table(quoted_on: str, rows: Sequence[Row], sets: Scores, *, all_models: bool = False) -> str:
    """Return a table of MAE and RMSE in bpm: the paper's, quoted, and ours on each set.

    quoted_on: what the paper measured on. all_models: rows for our other models, too.
    """
    header = ["system", "our model", f"MAE, quoted ({quoted_on})", f"RMSE, quoted ({quoted_on})"]
    header += [f"{figure}, ours ({name})" for name in sets for figure in ("MAE", "RMSE")]
    return markdown(header, _joined(rows, sets, _rate_cells, all_models=all_models))


def wave_table(sets: Scores) -> str:
    """Return table 5 of Yoon: STD / RMSE / r of the waves, quoted and ours, then ours when a shift is allowed."""
    header = ["system", "our model", *(f"{name}, quoted" for name in TABLE_5_SETS)]
    header += [cell for name in sets for cell in (f"{name}, ours", f"{name}, ours: r at the best shift")]
    return markdown(header, _joined(TABLE_5, sets, _wave_cells, all_models=True))


def _joined(rows: Sequence[Row], sets: Scores, cells: Cells, *, all_models: bool) -> list[list[str]]:
    """Return a paper's rows and, if wanted, one for each of our models that it does not have."""
    ours = [by_model(scores) for scores in sets.values()]
    named = {row.model for row in rows}
    more = dict.fromkeys(model for table in ours for model in table if model not in named)
    rows = [*rows, *(Row("-", ("-",) * len(rows[0].quoted), model) for model in more if all_models)]
    return [
        [
            row.system,
            row.model or "-",
            *row.quoted,
            *(cell for table in ours for cell in cells(table.get(row.model or "", []))),
        ]
        for row in rows
    ]


def _rate_cells(scores: Sequence[Score]) -> list[str]:
    if not scores:
        return ["-", "-"]
    return [f"{metrics.mae(*columns(scores)):.2f}", f"{metrics.rmse(*columns(scores)):.2f}"]


def _wave_cells(scores: Sequence[Score]) -> list[str]:
    waves = [score.wave for score in scores if score.wave is not None]
    if not waves:
        return ["-", "-"]
    std, rmse, r, shifted = np.mean([(wave.std, wave.rmse, wave.r, wave.shifted_r) for wave in waves], axis=0)
    shift_s = float(np.median([wave.shift_s for wave in waves]))
    return [f"{std:.4f} / {rmse:.4f} / {r:.4f}", f"{shifted:.4f} ({shift_s:+.2f} s)"]
