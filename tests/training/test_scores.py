import json
from dataclasses import asdict

import pytest

from training.scores import Score, WaveScore, WindowScore


@pytest.mark.parametrize(("bpm", "error"), [(70.0, 0.0), (64.5, 5.5), (75.5, 5.5)])
def test_the_error_has_no_sign(bpm: float, error: float) -> None:
    assert Score("student", "1", {}, 70.0, bpm, 0.9, 3.0, "ok").error_bpm == error
    assert WindowScore(0.0, 70.0, bpm, 0.9).error_bpm == error


@pytest.mark.parametrize(("true_bpm", "right"), [(70.0, True), (75.0, True), (64.9, False), (None, False)])
def test_right_is_within_5_bpm_of_a_pulse(true_bpm: float | None, right: bool) -> None:
    assert Score("student", "1", {}, true_bpm, 70.0, 0.9, 3.0, "ok").right is right


@pytest.mark.parametrize(
    "score",
    [
        Score("student", "1", {"motion": "still"}, None, 70.0, 0.9, 3.0, "ok"),
        Score(
            "pos", "a b", {}, 60.0, 70.0, 0.9, 3.0, "ok", "", (WindowScore(0.5, 61.0, 62.0, 0.1),),
            WaveScore(0.5, 0.6, 0.7, 0.8, 0.1),
        ),
    ],
)  # fmt: skip
def test_a_score_comes_back_from_json(score: Score) -> None:
    assert Score.from_dict(json.loads(json.dumps(asdict(score)))) == score
