"""The papers' tables: quoted figures as they are printed, ours beside them."""

import json
from dataclasses import replace
from pathlib import Path

from service.pipeline.manifest import ModelStore, read_manifest
from tests.service.pipeline.tiny_models import write_active, write_green_model
from tests.training.test_tables import SCORES, rows, score
from training.paper import TABLE_1, TABLE_2, TABLE_3, TABLE_5, rate_table, students, wave_table, with_models
from training.scores import WaveScore

SETS = {"ours": [score("chrom", 0, 2.0, 0.9), score("chrom", 1, -4.0, 0.9), *SCORES], "other": SCORES}


def test_a_system_with_a_model_of_ours_has_both_figures() -> None:
    header, _, *table = rows(rate_table("UBFC-rPPG", TABLE_1, SETS))
    assert header[2:5] == ["MAE, quoted (UBFC-rPPG)", "RMSE, quoted (UBFC-rPPG)", "MAE, ours (ours)"]
    chrom = next(row for row in table if row[0] == "CHROM")
    assert chrom == ["CHROM", "chrom", "4.70", "6.61", "3.00", "3.16", "-", "-"]


def test_a_system_that_never_was_public_is_quoted_alone() -> None:
    table = rows(rate_table("UBFC-rPPG", TABLE_1, SETS))[2:]
    assert len(table) == 8
    assert next(row for row in table if row[0] == "PulseGAN")[1:] == ["-", "1.19", "2.10", "-", "-", "-", "-"]


def test_our_other_models_have_rows_too() -> None:
    table = rows(rate_table("UBFC-rPPG", TABLE_1, SETS, all_models=True))[2:]
    assert [row[1] for row in table[8:]] == ["student", "green"]
    assert table[8] == ["-", "student", "-", "-", "8.00", "11.69", "8.00", "11.69"]


def test_quoted_figures_are_the_papers() -> None:
    assert [row.quoted for row in TABLE_2] == [("0.9563", "1.5795"), ("4.5589", "9.6856"), ("3.4444", "7.2979")]
    assert [row.quoted for row in TABLE_3] == [("2.1803", "5.9514"), ("2.8000", "6.7063"), ("2.5183", "6.2080")]
    assert TABLE_5[-1].quoted == (".7363 / .7402 / .6489", ".8494 / .8545 / .5242", ".8015 / .8048 / .6008")


def test_waves_are_means_over_the_videos_that_have_figures() -> None:
    waves = [WaveScore(0.4, 0.6, 0.8, 0.9, 0.1), WaveScore(0.6, 0.8, 0.6, 0.7, 0.1), None]
    scores = [replace(score("mobilenetv3", n, 0.0, 0.9), wave=wave) for n, wave in enumerate(waves)]
    header, _, *table = rows(wave_table({"ours": scores}))
    assert header[-2:] == ["ours, ours", "ours, ours: r at the best shift"]
    proposed = next(row for row in table if row[0] == "proposed")
    assert proposed[-2:] == ["0.5000 / 0.7000 / 0.7000", "0.8000 (+0.10 s)"]


def test_a_model_without_waves_has_no_figures() -> None:
    table = rows(wave_table({"ours": SCORES}))[2:]
    assert next(row for row in table if row[1] == "student")[-2:] == ["-", "-"]


def test_the_store_tells_which_student_was_taught(tmp_path: Path) -> None:
    write_green_model(tmp_path)
    write_active(tmp_path, "student", ["student", "student_kd"])
    plain = read_manifest(next(tmp_path.glob("tiny-*")))
    for name, recipe in (("student", "train student"), ("student_kd", "train student, distilled from the teacher")):
        folder = tmp_path / f"{name}-{plain.version}"
        folder.mkdir()
        for file in plain.files:
            (folder / file).symlink_to(tmp_path / plain.folder / file)
        training = plain.training.model_copy(update={"recipe": recipe})
        plain.model_copy(update={"name": name, "training": training}).write(folder)
    named = students(ModelStore(tmp_path))
    assert named == {"student": "student", "student + KD": "student_kd"}
    assert [row.model for row in with_models(TABLE_2, named)] == ["teacher", "student", "student_kd"]
    assert json.loads((tmp_path / "active.json").read_text())["default"] == "student"
