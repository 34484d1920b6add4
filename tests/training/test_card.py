"""The card says what the manifest and the scores say, and what it does not know."""

from pathlib import Path

import pytest

from service.pipeline.manifest import CalibrationPart, Manifest, read_manifest
from tests.service.pipeline.tiny_models import write_green_model, write_window_model
from tests.training.test_tables import SCORES, rows
from training.card import CARD, Evaluation, untested, write_card
from training.scores import Score

LONDON = "clips rendered from photographs of the London set (doi 10.6084/m9.figshare.5047666)"
STILL = Score("student", "9", {"kind": "lamp"}, None, 90.0, 0.37, 0.0, "low_quality")
TESTED = Evaluation(["rendered-1", "pulseless"], [*(s for s in SCORES if s.model == "student"), STILL], ["abcdef" * 7])


def changed(folder: Path, **fields: object) -> Manifest:
    return read_manifest(folder).model_copy(update=fields)


def card_of(folder: Path, manifest: Manifest | None = None, evaluation: Evaluation | None = None) -> str:
    write_card(folder, manifest or read_manifest(folder), evaluation)
    return (folder / CARD).read_text()


def test_the_sources_that_the_data_name_are_given_credit(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    training = read_manifest(folder).training.model_copy(update={"data": LONDON})
    card = card_of(folder, changed(folder, training=training))
    assert "DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666, CC BY 4.0" in card
    assert "Welltory" not in card


def test_no_credit_is_claimed_from_nobody(tmp_path: Path) -> None:
    assert "London" not in card_of(write_green_model(tmp_path))


def test_it_is_no_medical_device(tmp_path: Path) -> None:
    assert "no medical device" in card_of(write_green_model(tmp_path))


def test_the_file_is_named_by_its_hash(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    assert read_manifest(folder).info.sha256 in card_of(folder)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"test_ok_bpm_mae": 0.59}, "| `test_ok_bpm_mae` | 0.59 | mean error of those in bpm |"),
        ({"cpu_ms_per_frame": 0.0867}, "0.0867 ms of processor time"),
        ({"something_new": 3.0}, "| `something_new` | 3 |  |"),
    ],
)
def test_every_metric_is_told(metrics: dict[str, float], said: str, tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    assert said in card_of(folder, changed(folder, metrics=metrics))


def test_a_model_of_windows_says_what_it_sees(tmp_path: Path) -> None:
    card = card_of(write_window_model(tmp_path, past=4, future=3))
    assert "a sample per frame from 4 frames before it and 3 behind it, so live samples come 0.1 s late" in card


def test_a_model_of_pairs_says_so(tmp_path: Path) -> None:
    assert "a sample per pair of frames, 1 apart" in card_of(write_green_model(tmp_path))


def test_the_fit_of_the_confidence_is_told(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    assert "no fit of its own" in card_of(folder)
    fitted = changed(folder, calibration=CalibrationPart(bias=-1.5, weights={"snr_db": 0.25}))
    assert "bias -1.500, snr_db +0.250" in card_of(folder, fitted)


def test_without_scores_there_are_no_groups_and_the_card_says_so(tmp_path: Path) -> None:
    card = card_of(write_green_model(tmp_path))
    assert "No scores were at hand" in card
    assert "By group" not in card


def test_errors_stand_by_group(tmp_path: Path) -> None:
    card = card_of(write_green_model(tmp_path), evaluation=TESTED)
    assert "No scores" not in card
    assert "on rendered-1, pulseless, scores at revision abcdefabcdef." in card
    (table,) = [part for part in card.split("\n\n") if part.startswith("| group")]
    assert rows(table)[2:] == [
        ["all", "", "3", "8.00", "67%", "2.00"],
        ["skin tone", "dark", "2", "11.50", "50%", "3.00"],
        ["skin tone", "light", "1", "1.00", "100%", "1.00"],
    ]
    assert "0.37" in card[card.index("Videos without a pulse") :]


def test_what_was_tested_ends_with_the_weights() -> None:
    assert untested({"steps": 5.0, "test_bpm_mae": 3.0, "cpu_ms_per_frame": 0.1}) == {
        "steps": 5.0,
        "cpu_ms_per_frame": 0.1,
    }
