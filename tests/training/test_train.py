import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.checkpoint import CHECKPOINT, load_average, load_checkpoint
from training.clips import ClipFolder
from training.config import NO_AUGMENT, TrainConfig
from training.train import Data, Run, main

CONFIG = TrainConfig("student", 6, batch_clips=2, validate_every=4, validate_clips=2)


def data(clips: Path) -> Data:
    return Data(ClipFolder(clips, without_people=["b"]), ClipFolder(clips, people=["b"]))


@pytest.mark.parametrize("model", ["student", "mobilenetv3"])
def test_an_interrupted_run_ends_like_an_uninterrupted_one(clips: Path, tmp_path: Path, model: str) -> None:
    config = replace(CONFIG, model=model, steps=3)
    whole = Run(config, data(clips), tmp_path / "whole")
    whole.go(quiet=True)
    Run(config, data(clips), tmp_path / "parts").go(stop_after=2, quiet=True)
    second = Run(config, data(clips), tmp_path / "parts")
    torch.rand(5)  # whatever happened in between
    second.resume()
    second.go(quiet=True)
    expected = whole.engine.net.state_dict()
    assert second.engine.steps == 3
    assert all(torch.equal(value, expected[name]) for name, value in second.engine.net.state_dict().items())


def test_validation_is_recorded_on_the_way_and_at_the_end(clips: Path, tmp_path: Path) -> None:
    run = Run(CONFIG, data(clips), tmp_path)
    run.go(quiet=True)
    assert [record["step"] for record in run.history if "band_r" in record] == [4, 6]


def test_without_validation_clips_it_trains_all_the_same(clips: Path, tmp_path: Path) -> None:
    run = Run(CONFIG, Data(ClipFolder(clips), None), tmp_path)
    run.go(quiet=True)
    assert run.engine.steps == 6


def test_a_budget_of_minutes_ends(clips: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=None, minutes=0.005, augment=NO_AUGMENT)
    run = Run(config, Data(ClipFolder(clips), None), tmp_path)
    run.go(quiet=True)
    assert run.elapsed_s >= 0.3
    assert run.progress() == 1


def test_the_command_leaves_a_run(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = ["student", "--clips", str(clips), "--out", str(out), "--batch", "2"]
    assert main([*arguments, "--steps", "2", "--val-people", "b"]) == 0
    assert main([*arguments, "--steps", "4", "--resume"]) == 0
    assert load_checkpoint(out)["engine"]["steps"] == 4
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "band_r" in json.loads(capsys.readouterr().out.splitlines()[0].replace("'", '"'))


def test_the_command_distils(clips: Path, tmp_path: Path) -> None:
    common = ["--clips", str(clips), "--batch", "1", "--steps", "1"]
    main(["teacher", *common, "--out", str(tmp_path / "teacher")])
    main(["student", *common, "--out", str(tmp_path / "student"), "--teacher", str(tmp_path / "teacher")])
    assert load_average(tmp_path / "student")[1].distil_weight > 0


def test_no_clips_are_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["student", "--clips", str(tmp_path), "--out", str(tmp_path / "run"), "--steps", "1"]) == 2
    assert "too few" in capsys.readouterr().err
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_a_teacher_that_is_none_is_an_error_in_words(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["student", "--clips", str(clips), "--out", str(tmp_path / "run"), "--steps", "1"]
    assert main([*arguments, "--teacher", str(tmp_path / "nobody")]) == 2
    assert "nobody" in capsys.readouterr().err


def test_a_run_is_not_overwritten_without_a_word(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["student", "--clips", str(clips), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "2"]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "--resume" in capsys.readouterr().err


def test_only_the_student_is_taught(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--clips", str(clips), "--steps", "1", "--batch", "2"]
    main(["student", *common, "--out", str(tmp_path / "student")])
    assert main(["mobilenetv3", *common, "--out", str(tmp_path / "x"), "--teacher", str(tmp_path / "student")]) == 2
    assert "distillation" in capsys.readouterr().err


def test_a_run_begins_with_the_layers_of_another(clips: Path, tmp_path: Path) -> None:
    common = ["student", "--clips", str(clips), "--batch", "2"]
    main([*common, "--steps", "1", "--seed", "1", "--out", str(tmp_path / "first")])
    first = load_checkpoint(tmp_path / "first")["engine"]["average"]
    main(
        [*common, "--steps", "1", "--lr", "1e-9", "--start", str(tmp_path / "first"), "--out", str(tmp_path / "second")]
    )
    second = load_checkpoint(tmp_path / "second")["engine"]["net"]
    assert torch.allclose(second["out.weight"], first["out.weight"], atol=1e-6)


def test_a_run_with_other_layers_is_no_beginning(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--clips", str(clips), "--steps", "1", "--batch", "1"]
    main(["physnet", *common, "--out", str(tmp_path / "other")])
    assert main(["student", *common, "--out", str(tmp_path / "run"), "--start", str(tmp_path / "other")]) == 2
    assert "PhysNet" in capsys.readouterr().err
