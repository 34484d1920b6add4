import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training.checkpoint import load_checkpoint


def run(module: str, *arguments: object, processes: int) -> subprocess.CompletedProcess[str]:
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *start, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def steps(model: str, clips: Path, processes: int) -> dict[str, Any]:
    done = run("tests.training.steps_of_a_team", model, clips, processes=processes)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_two_processes_have_the_losses_of_one(clips: Path) -> None:
    alone, together = (steps("temporal", clips, processes) for processes in (1, 2))
    assert (alone["processes"], together["processes"]) == (1, 2)
    assert len(set(alone["totals"])) == 4
    # Later steps differ more: what has no gradient, as a bias before a norm, is moved by rounding errors.
    for step, within in enumerate((1e-4, 2e-3, 1e-2, 2e-2)):
        assert together["totals"][step] == pytest.approx(alone["totals"][step], rel=within), step


def test_the_command_leaves_one_run_of_two_processes(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["student", "--clips", clips, "--out", out, "--batch", 2, "--steps", 3, "--val-people", "b"]
    done = run("training.train", *arguments, processes=2)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert load_checkpoint(out)["engine"]["steps"] == 3


def test_a_run_that_one_process_sees_is_told_to_the_others(clips: Path, tmp_path: Path) -> None:
    arguments = ["student", "--clips", clips, "--out", tmp_path / "run", "--batch", 2, "--steps", 2]
    assert run("training.train", *arguments, processes=1).returncode == 0
    done = run("tests.training.resume_of_a_team", clips, tmp_path / "run", processes=2)
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["steps"] == 4
    assert first == second


def test_clips_that_cannot_be_shared_are_an_error_in_words(clips: Path, tmp_path: Path) -> None:
    done = run("training.train", "student", "--clips", clips, "--out", tmp_path / "run", "--batch", 3, processes=2)
    assert "exitcode  : 2 " in done.stderr
    assert "3 clips a step cannot be shared by 2 processes" in done.stderr
