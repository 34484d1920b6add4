"""What chrominance has of a wave, beside what it would have of blood."""

from dataclasses import replace

import numpy as np
import pytest

from service.pipeline.chrominance import InColour, in_colour
from service.pipeline.spectrum import power_spectra
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, controls, pulse_wave

FPS, BPM, SECONDS = 30.0, 72.0, 20.0
WAVE = pulse_wave(BPM, SECONDS, FPS, variability=0.02)
NOISE = coloured_noise(len(WAVE), 0, seed=3)
WALK = coloured_noise(len(WAVE), 2, seed=4)  # the noise of chrominance falls about like this


def coloured(
    places: list[Array], chrominance: Array = WALK, wave: Array = WAVE, bpm: float = BPM, start_s: float = 0.0
) -> InColour:
    spectra = power_spectra(wave, FPS)
    known = controls(as_pulse(chrominance, FPS), places=places)
    return in_colour(known, wave, start_s, spectra, np.full(len(spectra.power), bpm / 60))


def due(
    places: list[Array], chrominance: Array = WALK, wave: Array = WAVE, bpm: float = BPM, start_s: float = 0.0
) -> float:
    return coloured(places, chrominance, wave, bpm, start_s).due


def test_where_brightness_or_colour_is_unknown_chrominance_must_show_a_pulse() -> None:
    assert due([]) == np.inf
    assert due([WAVE] * 16, np.zeros(len(WAVE))) == np.inf
    assert due([WAVE] * 16, wave=np.zeros(len(WAVE))) == np.inf


def test_places_that_are_burnt_out_know_nothing_of_light() -> None:
    burnt = np.full(len(WAVE), 0.7)
    assert due([burnt] * 9 + [0.01 * NOISE] * 7) == np.inf
    assert due([burnt] * 4 + [0.01 * NOISE] * 12) < 1


def test_what_is_due_grows_with_brightness_and_falls_with_the_noise_of_colours() -> None:
    one = due([WAVE] * 16)
    assert due([2 * WAVE] * 16) == pytest.approx(2 * one)
    assert due([WAVE] * 16, 4 * WALK) == pytest.approx(one / 4)
    assert due([WAVE] * 16, wave=-3 * WAVE) == pytest.approx(one)  # a network's wave has no unit, brightness falls


@pytest.mark.parametrize("seconds", [10.0, 14.9, 45.0])
def test_noise_as_strong_as_that_of_colours_makes_its_share_due(seconds: float) -> None:
    """Chance against chance: 2.5 times one, on average, however long it takes."""
    wave, seeds = pulse_wave(BPM, seconds, FPS), range(0, 80, 2)
    noises = [[coloured_noise(len(wave), 2, seed=seed + off) for off in (0, 1)] for seed in seeds]
    found = [due([place], colour, wave) for place, colour in noises]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(2.5, rel=0.3)


def test_flicker_in_bands_counts_for_all_that_it_is() -> None:
    bands = [np.roll(WAVE, 2 * index) for index in range(16)]  # 25 frames a beat: over all places it cancels
    assert np.abs(np.mean(bands, axis=0)).max() < 0.5 * np.abs(WAVE).max()
    assert due(bands) == pytest.approx(due([WAVE] * 16), rel=0.1)


def test_an_edge_in_some_places_counts_for_nothing() -> None:
    edge = 50 * np.sin(2 * np.pi * BPM / 60 * np.arange(len(WAVE)) / FPS)
    assert due([edge] * 5 + [WAVE] * 11) == pytest.approx(due([WAVE] * 16))


def test_the_noise_of_colours_is_not_their_pulse_nor_its_harmonic() -> None:
    steady = pulse_wave(BPM, SECONDS, FPS)
    without = due([steady] * 16, WALK, steady)
    assert due([steady] * 16, WALK + 2.5 * steady, steady) == pytest.approx(without, rel=0.2)


def test_what_is_due_heeds_times_and_the_newest_window() -> None:
    quiet = np.where(np.arange(len(WAVE)) / FPS < 15, 0.1, 1.0) * WALK
    assert due([WAVE] * 16, quiet) < 1.5 * due([WAVE] * 16)
    wandering = pulse_wave(BPM, 40, FPS, variability=0.05)
    piece = wandering[300:900]
    spectra = power_spectra(piece, FPS)
    rate_hz = np.full(len(spectra.power), BPM / 60)
    known = controls(as_pulse(coloured_noise(1200, 2, seed=1), FPS), places=[wandering] * 16)
    in_time, early = (in_colour(known, piece, start_s, spectra, rate_hz) for start_s in (10.0, 3.4))
    assert in_time.due > 1.2 * early.due


@pytest.mark.parametrize("bpm", [42.0, 100.0, 240.0])
@pytest.mark.parametrize("seconds", [4.0, 10.0, 45.0])
@pytest.mark.parametrize("fps", [8.5, 30.0, 60.0])
def test_what_is_due_is_a_number_for_any_rate_and_length(bpm: float, seconds: float, fps: float) -> None:
    wave = pulse_wave(bpm, seconds, fps)
    spectra = power_spectra(wave, fps)
    known = controls(as_pulse(coloured_noise(len(wave), 2, seed=1), fps), places=[wave] * 16)
    found = in_colour(known, wave, 0.0, spectra, np.full(len(spectra.power), bpm / 60)).due
    assert found == np.inf if (seconds, bpm) == (4.0, 42.0) else 1 < found < np.inf


def shown(chrominance: Array, wave: Array = WAVE) -> float:
    return coloured([wave] * 16, chrominance, wave).shown


def test_what_is_shown_grows_with_the_pulse_in_the_colours_and_has_its_sign() -> None:
    pulse = 30 * WAVE
    noise = shown(WALK)
    assert shown(pulse + WALK) > 10
    assert shown(pulse + WALK) - noise == pytest.approx(noise - shown(WALK - pulse), rel=0.05)
    assert shown(pulse + WALK, -2 * WAVE) == pytest.approx(-shown(pulse + WALK))
    assert shown(10 * (pulse + WALK)) == pytest.approx(shown(pulse + WALK))


def test_where_nothing_but_the_face_is_seen_nothing_is_shown() -> None:
    spectra, colours = power_spectra(WAVE, FPS), as_pulse(30 * WAVE + WALK, FPS)
    known = replace(controls(colours, places=[WAVE] * 16), around=())
    found = in_colour(known, WAVE, 0.0, spectra, np.full(len(spectra.power), BPM / 60))
    assert found == InColour(due=due([WAVE] * 16, 30 * WAVE + WALK), shown=0.0)


def test_what_beats_a_quarter_of_a_beat_beside_the_wave_shows_nothing_of_it() -> None:
    quarter = np.roll(WAVE, round(FPS * 60 / BPM / 4))
    assert abs(shown(30 * quarter + WALK)) < 0.2 * shown(30 * WAVE + WALK)


def test_a_long_recording_shows_what_ten_seconds_do_not() -> None:
    def shown_in(seconds: float) -> list[float]:
        wave = pulse_wave(BPM, seconds, FPS, variability=0.02)
        return [shown(wave + 0.5 * coloured_noise(len(wave), 2, seed=seed), wave) for seed in range(20)]

    assert np.median(shown_in(60)) > 1.8 * np.median(shown_in(10))


def test_noise_shows_a_wave_by_chance_alone() -> None:
    for seconds in (10.0, 60.0):
        wave = pulse_wave(BPM, seconds, FPS, variability=0.02)
        found = [shown(coloured_noise(len(wave), 2, seed=seed), wave) for seed in range(200)]
        assert abs(np.mean(found)) < 0.2
        assert 0.4 < np.std(found) < 1.1
        assert np.mean(np.array(found) > 1.7) < 0.05
