"""Two people side by side through the real service: each with a rate, a wave and a place of their own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.wire import DEFAULT_ESTIMATOR
from tests.service.pipeline.renders import face_recipe, render_face
from tests.service.server import Server, running_server

STORE = Path(__file__).parents[2] / "model_store"
LEFT_BPM, RIGHT_BPM = 72.0, 140.0
WIDTH = 320


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recipe = face_recipe(duration_s=12.0, width=WIDTH)
    recipe = replace(recipe, pulse=replace(recipe.pulse, hr_bpm=LEFT_BPM))
    return render_face(tmp_path_factory.mktemp("two") / "two.mp4", recipe, second_bpm=RIGHT_BPM).read_bytes()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("faces"), estimator=DEFAULT_ESTIMATOR, model_store=STORE) as server:
        yield server


@pytest.fixture(scope="module")
def both(service: Server, video: bytes) -> dict[str, Any]:
    answer = service.measure(video, face="all", model="student")
    assert answer.status_code == 200
    return dict(answer.json())


def test_each_face_has_its_own_rate(both: dict[str, Any]) -> None:
    left, right = sorted(both["faces"], key=lambda face: float(face["face"]["boxes"][0]["x0"]))
    assert left["bpm"] == pytest.approx(LEFT_BPM, abs=3)
    assert right["bpm"] == pytest.approx(RIGHT_BPM, abs=3)
    assert left["face"]["boxes"][0]["x1"] - 40 < WIDTH < right["face"]["boxes"][0]["x0"] + 40


def test_each_face_has_its_own_wave_and_extras(both: dict[str, Any]) -> None:
    one, other = both["faces"]
    count = min(len(one["bvp"]["values"]), len(other["bvp"]["values"]))
    assert abs(np.corrcoef(one["bvp"]["values"][:count], other["bvp"]["values"][:count])[0, 1]) < 0.5
    for face in (one, other):
        assert (face["hrv"], face["respiration_rate"], face["respiration_rate_confidence"]) == (None, None, None)
        assert face["respiration_rate_reason"] in ("too_short", "low_confidence")
        assert face["hrv_reason"] in ("too_short", "low_confidence")
        assert face["hrv_detail"].endswith(".")


def test_the_top_level_speaks_of_the_first(both: dict[str, Any], service: Server, video: bytes) -> None:
    first = both["faces"][0]
    assert all(both[name] == value for name, value in first.items())
    assert "faces" not in service.measure(video).json()
