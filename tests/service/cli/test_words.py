from dataclasses import replace

import pytest

from service.cli.words import confidence_word, in_words
from service.pipeline.answers import Hrv, Respiration
from tests.service.estimates import make_face, make_result


def test_words_say_units() -> None:
    said = in_words(make_result()).splitlines()
    assert said[0] == "Heart rate   72.0 bpm"
    assert said[1] == "Confidence   0.91 of 1 (high)"
    assert said[2] == "SNR          6.0 dB"
    assert "Face         found in 80 % of the looks" in said
    assert said[-1].startswith("Warning      face_left: ")


def test_words_warn_of_low_quality() -> None:
    assert "not reliable (low quality); the best guess is 72.0 bpm" in in_words(
        make_result(make_face(status="low_quality"))
    )


def test_words_tell_faces_apart() -> None:
    said = in_words(make_result(make_face(72), make_face(60)))
    assert "Face 1 of 2\nHeart rate   72.0 bpm" in said
    assert "Face 2 of 2\nHeart rate   60.0 bpm" in said


@pytest.mark.parametrize(("confidence", "word"), [(0.0, "low"), (0.49, "low"), (0.5, "fair"), (0.8, "high")])
def test_a_confidence_has_a_word(confidence: float, word: str) -> None:
    assert confidence_word(confidence) == word


def test_words_say_why_something_is_not_said() -> None:
    said = in_words(make_result())
    assert "Variability  not said: it was not asked for" in said
    assert "Breathing    not said: it was not asked for" in said


def test_words_say_variability_and_breathing() -> None:
    hrv = Hrv((1.0, 1.8, 2.7), (800.0, 900.0), (True, True), 41.4, 38.6, 10.0, None, None, None, 0.0, 4.0)
    face = replace(make_face(), hrv=hrv, respiration=Respiration(14.2, 0.9))
    said = in_words(make_result(face))
    assert "Variability  RMSSD 39 ms, SDNN 41 ms, from 3 beats" in said
    assert "Breathing    14 breaths per minute" in said
