"""All plots of a reproduction, into its folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from service.pipeline.estimate import Estimator
from training.plots import plot_bland_altman, plot_errors, plot_groups
from training.score_book import Scored
from training.scores import Score, with_pulse, without_pulse
from training.takes import CaseTakes, TakeSet
from training.trust_plots import plot_coverage, plot_reliability
from training.wave_plots import Waves, good_and_bad, plot_waves


def draw_figures(
    takes: TakeSet, sets: Mapping[str, Scored], out: Path, figure_model: str, store_of: Callable[[str], Path]
) -> None:
    """Draw the plots of one set, each named <set>-<plot>.png; of one without a pulse there is none of its own.

    Sets without a pulse count in the reliability of the rendered ones. figure_model: whose waves are drawn, of a good
    and of a bad case, if there are such.
    """
    scores = sets[takes.name].scores
    beating = [score for score in with_pulse(scores) if not score.error_code]
    if not beating:
        return
    plot_errors(beating, out / f"{takes.name}-errors.png")
    plot_bland_altman(beating, out / f"{takes.name}-bland-altman.png")
    plot_groups(beating, out / f"{takes.name}-groups.png")
    plot_coverage(beating, out / f"{takes.name}-coverage.png")
    others = [scored.scores for scored in sets.values() if not with_pulse(scored.scores)]
    pulseless = [score for some in (scores, *others) for score in without_pulse(some)]
    plot_reliability(
        [*beating, *(pulseless if isinstance(takes, CaseTakes) else [])], out / f"{takes.name}-reliability.png"
    )
    own = [score for score in beating if score.model == figure_model]
    cases = [_waves(takes, score, store_of(score.name)) for score in good_and_bad(own) if score is not None]
    if cases:
        plot_waves(cases, out / f"{takes.name}-waves.png")


def _waves(takes: TakeSet, score: Score, store: Path) -> Waves:
    """Measure a video once more, for its wave; scores keep figures alone."""
    take = takes.read(score.name)
    assert take.reference is not None, "a case with a pulse has a reference"
    (estimate,) = Estimator(store).compare(take.open(), [score.model])
    title = f"{score.model}, {score.name}: {score.bpm:.1f} for {score.true_bpm:.1f} bpm"
    return Waves.of(title, estimate.faces[0].heart_rate, take.reference)
