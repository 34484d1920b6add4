import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from service.cli.benchmark import STAGES, as_table
from tests.service.cli.test_estimate import CLIP, METHOD


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """The figures of one method on the bundled clip."""
    with redirect_stdout(io.StringIO()) as out:
        assert main(["benchmark", "--model", METHOD, "--rounds", "1", "--json"]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_every_stage_costs_something(figures: dict[str, Any]) -> None:
    stages = figures["models"][METHOD]["ms_per_frame"]
    assert set(stages) == set(STAGES)
    assert all(milliseconds > 0 for milliseconds in stages.values())


def test_measuring_costs_more_than_decoding(figures: dict[str, Any]) -> None:
    assert figures["models"][METHOD]["times_decode"] > 0.5
    assert figures["decode_only"]["cpu_s"] > 0


def test_the_table_has_a_line_per_model(figures: dict[str, Any]) -> None:
    lines = as_table(figures).splitlines()
    assert lines[0].startswith("clip         15.0 s, 640x480, 450 frames")
    assert lines[-1].split()[0] == METHOD


def test_an_unknown_model_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", str(CLIP), "--model", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("unknown_model: ")


def test_a_clip_of_ones_own_must_be_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clip.mp4").write_text("no video")
    assert main(["benchmark", str(tmp_path / "clip.mp4")]) == 1
    assert capsys.readouterr().err.startswith("not_a_video: ")
