from pathlib import Path

import pytest

from training.synthesis.__main__ import main
from training.synthesis.demo import DEMO
from training.synthesis.pulse_wave import Truth, make_truth
from training.synthesis.recipe import Recipe

DEMO_FOLDER = Path(__file__).parents[3] / "demo"


def test_clips_come_with_truth_and_recipe(tmp_path: Path) -> None:
    assert main(["clips", "--out", str(tmp_path), "--count", "2", "--seconds", "1", "--seed", "7"]) == 0
    recipe = Recipe.from_json((tmp_path / "clip_000007.json").read_text())
    assert recipe.seed == 7
    assert (tmp_path / f"clip_000007.{recipe.codec.container}").stat().st_size > 1000
    assert Truth.read_csv(tmp_path / "clip_000008.csv").times_s[-1] >= 1.0


def test_a_command_is_needed() -> None:
    with pytest.raises(SystemExit):
        main([])


def test_bundled_truth_is_what_the_command_makes() -> None:
    kept = Truth.read_csv(DEMO_FOLDER / "astronaut.csv")
    made = make_truth(DEMO.pulse, DEMO.duration_s, DEMO.rng("pulse"))
    assert kept.ppg == pytest.approx(made.ppg, abs=1e-3)
    assert kept.bpm == pytest.approx(72, abs=1.5)


def test_bundled_clip_is_small() -> None:
    assert (DEMO_FOLDER / "astronaut.mp4").stat().st_size < 1_500_000
