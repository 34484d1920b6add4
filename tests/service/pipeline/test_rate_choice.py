from itertools import pairwise

import numpy as np
import pytest

from service.pipeline import rate_choice, spectrum
from service.pipeline.spectrum import Spectra
from tests.service.pipeline.signals import Array, coloured_noise, lines, times

FPS = 30.0


def of_noise(*powers: tuple[float, float]) -> Spectra:
    """Spectra of lines in noise of power 1 after the slope is taken off, so that none of power 1 stands out."""
    spectra = lines(*powers)
    spectra.power[0, 1:] += spectra.frequency_hz[1:] ** -2
    return spectra


def best_hz(spectra: Spectra) -> float:
    return float(spectra.frequency_hz[rate_choice.harmonic_support(spectra)[0].argmax() + spectra.band.start])


def test_support_takes_the_second_harmonic_as_far_as_it_belongs_to_the_fundamental() -> None:
    spectra = lines((1.0, 5.0), (2.0, 3.0), (1.2, 0.4), (2.4, 9.0), (3.0, 6.0))
    support = rate_choice.harmonic_support(spectra)[0]
    of = {hz: support[round(hz / 0.05) - spectra.band.start] for hz in (1.0, 1.2, 2.0, 1.5, 3.0)}
    slope = spectra.noise_slope
    expected = {1.0: 5 + 3 * 2**slope, 1.2: 0.4 * 1.2**slope + 1.5 * 0.4 * 2.4**slope, 2.0: 3 * 2**slope, 1.5: 0.0}
    assert of == pytest.approx(expected | {3.0: 6 * 3**slope})


@pytest.mark.parametrize("power_of_second", [0.5, 1.0, 1.8])
def test_a_strong_second_harmonic_does_not_win(power_of_second: float) -> None:
    assert best_hz(of_noise((0.8, 2.0), (1.6, power_of_second * 2.0))) == pytest.approx(0.8)


@pytest.mark.parametrize("power_of_second", [2.0, 3.0, 3.5])
def test_nor_does_a_stronger_one_of_a_clear_line(power_of_second: float) -> None:
    assert best_hz(of_noise((0.8, 200.0), (1.6, power_of_second * 200.0))) == pytest.approx(0.8)


def test_a_rate_whose_half_has_next_to_nothing_is_not_halved() -> None:
    assert best_hz(of_noise((0.8, 200.0), (1.6, 5.0 * 200.0))) == pytest.approx(1.6)


def test_noise_at_half_the_rate_does_not_halve_it() -> None:
    assert best_hz(of_noise((1.0, 5.0), (2.0, 10.0 * 2))) == pytest.approx(2.0)


def with_drift(*powers: tuple[float, float]) -> Spectra:
    """Spectra of lines on the foot of a drift, which has a power of 1 at the lower end of the band."""
    spectra = lines(*powers)
    spectra.power[0, 1:] += (0.7 / spectra.frequency_hz[1:]) ** 4
    return spectra


def test_the_foot_of_a_drift_is_no_line() -> None:
    spectra = with_drift((2.0, 0.1))
    support, plausible = rate_choice.harmonic_support(spectra)[0], rate_choice.plausibility(spectra)[0]
    assert plausible[round(0.7 / 0.05) - spectra.band.start] == pytest.approx(0.1 * 0.28, abs=0.001)
    assert support.argmax() == 0
    assert (support * plausible).argmax() + spectra.band.start == round(2.0 / 0.05)


def test_a_slow_line_on_the_foot_of_a_drift_counts_in_full() -> None:
    spectra = with_drift((0.85, 0.5))
    assert rate_choice.plausibility(spectra)[0, round(0.85 / 0.05) - spectra.band.start] == 1


def test_plausible_rates_are_those_of_people_before_a_camera() -> None:
    spectra = spectrum.power_spectra(np.zeros(900), FPS)
    bpm = np.round(60 * spectra.frequency_hz[spectra.band]).astype(int).tolist()
    weight = dict(zip(bpm, rate_choice.plausibility(spectra)[0].tolist(), strict=True))
    assert [weight[rate] for rate in (50, 60, 100, 160)] == [1, 1, 1, 1]
    said = {42: 0.28, 180: 0.73, 240: 0.006}
    assert {rate: weight[rate] for rate in said} == pytest.approx(said, abs=0.006)


@pytest.mark.parametrize("bpm", [42.0, 46.0, 190.0, 230.0])
def test_a_clear_line_at_an_unusual_rate_is_found(bpm: float) -> None:
    wave = np.sin(2 * np.pi * bpm / 60 * times(20.0, FPS)) + 0.3 * coloured_noise(600, 0.0, seed=1)
    spectra = spectrum.power_spectra(wave, FPS)
    support = rate_choice.harmonic_support(spectra) * rate_choice.plausibility(spectra)
    path = rate_choice.follow_rate(support, rate_choice.change_costs(spectra))
    assert 60 * spectrum.peak_hz(spectra, path) == pytest.approx(bpm, abs=1.0)


def test_small_changes_cost_little_and_a_jump_nine_nats_at_most() -> None:
    spectra = spectrum.power_spectra(np.zeros(900), FPS)  # bins of 2 bpm
    costs = rate_choice.change_costs(spectra)
    assert len(costs) == spectra.band.stop - spectra.band.start
    assert costs[[0, 1, 2, 8, 9, 60]] == pytest.approx([0, 1 / 8, 1 / 2, 8, 9, 9])


def support_of(path: list[int], width: int = 60) -> Array:
    support = np.ones((len(path), width))
    support[np.arange(len(path)), path] = 10.0
    return support


COSTS = 0.2 * np.arange(60.0)


def test_the_path_follows_a_changing_rate() -> None:
    path = [20 + i // 3 for i in range(40)]
    assert rate_choice.follow_rate(support_of(path), COSTS).tolist() == path


def test_the_path_ignores_outliers() -> None:
    path = [20] * 30
    path[12] = path[13] = 50
    assert rate_choice.follow_rate(support_of(path), COSTS).tolist() == [20] * 30


@pytest.mark.parametrize("costs", [0.2 * np.arange(6.0), np.minimum(0.3 * np.arange(6.0) ** 2, 0.7)])
def test_the_path_is_the_best_of_all_paths(costs: Array) -> None:
    support = np.random.default_rng(3).random((4, 6)) + 0.1
    gain, bins = np.log(support), range(6)
    paths = [(a, b, c, d) for a in bins for b in bins for c in bins for d in bins]
    worth = [sum(gain[i, k] for i, k in enumerate(p)) - sum(costs[abs(x - y)] for x, y in pairwise(p)) for p in paths]
    assert tuple(rate_choice.follow_rate(support, costs)) == paths[int(np.argmax(worth))]


def dominance_at(spectra: Spectra, rate_hz: float) -> float:
    return float(rate_choice.dominance(spectra.flat[:, spectra.band], spectra, np.array([rate_hz]))[0])


@pytest.mark.parametrize(("other", "left"), [(1.0, 0.5), (0.5, 0.8), (2.0, 0.2)])
def test_dominance_is_the_share_of_squared_support(other: float, left: float) -> None:
    spectra = lines((1.0, 1.0), (3.0, other / 3**1.5))
    assert dominance_at(spectra, 1.0) == pytest.approx(left)


@pytest.mark.parametrize("window_s", [4.0, 10.0])
def test_what_is_within_6_bpm_is_no_rival(window_s: float) -> None:
    near = lines((1.0, 1.0), (1.1, 1.0), (0.9, 1.0), window_s=window_s)
    assert dominance_at(near, 1.0) == pytest.approx(1.0)
    assert dominance_at(lines((1.0, 1.0), (1.15, 1.15**-1.5), window_s=window_s), 1.0) == pytest.approx(0.5)


@pytest.mark.parametrize("colour", [0, 1, 2])
@pytest.mark.parametrize("duration_s", [4, 5, 10])
def test_noise_of_a_short_recording_dominates_no_more_than_that_of_a_longer_one(duration_s: int, colour: int) -> None:
    shares = []
    for seed in range(60):
        spectra = spectrum.power_spectra(coloured_noise(round(duration_s * FPS), colour, seed=seed), FPS)
        support = rate_choice.harmonic_support(spectra)
        shares.append(rate_choice.dominance(support, spectra, spectrum.peak_hz(spectra, support.argmax(axis=1)))[0])
    assert np.median(shares) < 0.4


def test_silence_has_no_dominance() -> None:
    assert dominance_at(lines(), 1.0) == 0.0
