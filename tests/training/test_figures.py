"""Which plots a set gets; a reproduction's own test looks at all of them together."""

from dataclasses import replace
from pathlib import Path

from tests.training.pictures import has_content
from tests.training.test_tables import SCORES
from training.figures import draw_figures
from training.score_book import Scored
from training.takes import CaseTakes

TAKES = CaseTakes("set", [])


def drawn(out: Path, scored: Scored) -> list[str]:
    draw_figures(TAKES, {"set": scored}, out, "nobody", lambda _: out)
    return sorted(path.name for path in out.iterdir())


def test_without_a_case_of_the_model_no_waves_are_drawn(tmp_path: Path) -> None:
    names = drawn(tmp_path, Scored(SCORES, []))
    assert names == [f"set-{plot}.png" for plot in ("bland-altman", "coverage", "errors", "groups", "reliability")]
    assert all(has_content(tmp_path / name) for name in names)


def test_a_set_without_a_pulse_has_no_plots_of_its_own(tmp_path: Path) -> None:
    assert drawn(tmp_path, Scored([replace(SCORES[0], true_bpm=None)], [])) == []
