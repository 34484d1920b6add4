import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from service.pipeline.chrominance import in_colour
from service.pipeline.controls import Controls, echo
from service.pipeline.spectrum import power_spectra
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, controls, pulse_wave

FPS, BPM, SECONDS = 30.0, 72.0, 20.0
WAVE = pulse_wave(BPM, SECONDS, FPS, variability=0.02)
NOISE = coloured_noise(len(WAVE), 0, seed=3)


def echoed(known: Controls, wave: Array = WAVE, start_s: float = 0.0, bpm: float = BPM) -> float:
    spectra = power_spectra(wave, FPS)
    return echo(known, wave, start_s, spectra, np.full(len(spectra.power), bpm / 60))


def keys(bpm: float, seconds: float = SECONDS) -> Array:
    return np.arange(0, seconds, 60 / bpm)


def light(skin: Array | None, around: Array | None) -> float:
    return echoed(controls(as_pulse(WAVE, FPS), skin=skin, around=around))


def test_silence_around_echoes_nothing() -> None:
    assert light(WAVE, None) == 0.0
    assert light(None, None) == 0.0


def test_surroundings_of_which_nothing_came_echo_nothing() -> None:
    none = as_pulse(np.empty(0), FPS)
    assert echoed(Controls(as_pulse(WAVE, FPS), none, (none,), (), (none, none), np.empty(0))) == 0.0


def test_a_lamp_swings_the_wall_as_it_swings_the_skin() -> None:
    assert light(WAVE, WAVE) == pytest.approx(1.0)
    assert light(WAVE, 0.5 * WAVE + 0.02 * NOISE) > 0.9


def test_light_on_a_face_without_any_is_all_of_its_light() -> None:
    assert light(None, 100 * WAVE) == pytest.approx(1.0)  # skin that is white throughout


def test_a_late_lamp_is_a_lamp() -> None:
    assert light(WAVE, np.roll(WAVE, 5)) > 0.9


def test_blood_that_shows_in_the_corners_is_weak_there() -> None:
    assert light(WAVE, 0.05 * WAVE) == pytest.approx(0.1, abs=0.01)


def test_what_moves_beside_the_face_is_no_echo() -> None:
    assert light(WAVE, 5 * NOISE) < 0.3
    assert light(WAVE, pulse_wave(100, SECONDS, FPS)) < 0.1


def echoes(wave: Array, walls: list[Array], bpm: float = BPM) -> float:
    known = controls(as_pulse(wave, FPS), skin=wave)
    return echoed(replace(known, around=tuple(as_pulse(wall, FPS) for wall in walls)), wave, bpm=bpm)


def noise(count: int, seed: int) -> Array:
    return coloured_noise(count, 0, seed=seed)


@pytest.mark.parametrize(("seconds", "coherence"), [(5.0, 0.74), (10.0, 0.43), (12.0, 0.39)])
def test_what_short_videos_have_in_common_by_chance_is_no_echo(seconds: float, coherence: float) -> None:
    wave = pulse_wave(BPM, seconds, FPS, variability=0.02)
    by_chance = [
        echoes(wave, [5 * noise(len(wave), 2 * seed), 5 * noise(len(wave), 2 * seed + 1)]) for seed in range(40)
    ]
    assert np.mean(by_chance) < 0.85 * coherence


@pytest.mark.parametrize("seconds", [4.0, 5.0, 10.0])
@pytest.mark.parametrize("noise_of_lamp", [0.33, 1.0])
def test_a_lamp_is_told_in_a_short_video(seconds: float, noise_of_lamp: float) -> None:
    for seed in range(10):
        wave = pulse_wave(BPM, seconds, FPS, variability=0.02, seed=seed)
        wall = wave + noise_of_lamp * noise(len(wave), seed)
        assert echoes(wave + 0.3 * noise(len(wave), 100 + seed), [wall, wall]) > 0.55


@pytest.mark.parametrize("seconds", [5.0, 8.0, 10.0])
@pytest.mark.parametrize("heart_bpm", [60.0, 90.0])
def test_a_lamp_is_told_beside_a_heart(seconds: float, heart_bpm: float) -> None:
    for seed in range(10):
        lamp = np.sin(2 * np.pi * BPM / 60 * np.arange(seconds * FPS) / FPS + seed)
        heart = 0.6 * pulse_wave(heart_bpm, seconds, FPS, variability=0.02, seed=seed)
        assert echoes(lamp + heart, [lamp + 0.33 * noise(len(lamp), seed)]) > 0.55


@pytest.mark.parametrize("seconds", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("other_bpm", [45.0, 102.0])
def test_a_lamp_is_told_beside_another(seconds: float, other_bpm: float) -> None:
    time_s = np.arange(seconds * FPS) / FPS
    for seed in range(10):
        lamp = np.sin(2 * np.pi * BPM / 60 * time_s + seed)
        other = 1.5 * np.sin(2 * np.pi * other_bpm / 60 * time_s)
        face = lamp + 0.3 * noise(len(lamp), 100 + seed)
        assert echoes(face, [lamp + other + 0.3 * noise(len(lamp), seed)]) > 0.55


@pytest.mark.parametrize("seconds", [5.0, 6.0, 8.0])
@pytest.mark.parametrize(("off_hz", "strength"), [(0.3, 1.0), (0.4, 0.5), (0.4, 1.0)])
def test_a_slow_lamp_is_told_beside_another(seconds: float, off_hz: float, strength: float) -> None:
    time_s = np.arange(seconds * FPS) / FPS
    told = []
    for seed in range(12):
        lamp = np.sin(2 * np.pi * 50 / 60 * time_s + seed)
        other = strength * np.sin(2 * np.pi * (50 / 60 + off_hz) * time_s + 2.3 * seed)
        face = lamp + 0.2 * noise(len(lamp), 100 + seed)
        told.append(echoes(face, [lamp + other + 0.33 * noise(len(lamp), seed)], bpm=50))
    assert np.mean(np.array(told) > 0.5) > 0.8


@pytest.mark.parametrize("seconds", [4.0, 5.0, 12.0])
@pytest.mark.parametrize("bpm", [42.0, 60.0, 150.0, 240.0])
def test_an_echo_is_from_0_to_1(seconds: float, bpm: float) -> None:
    wave = pulse_wave(bpm, seconds, FPS, variability=0.02)
    ramp = np.linspace(0, 9, len(wave))
    for wall in (wave, 1e6 * wave, 0 * wave, 0 * wave + 3, ramp, ramp > 4, coloured_noise(len(wave), 2, seed=1)):
        assert 0 <= echoes(wave, [wall.astype(np.float64)], bpm=bpm) <= 1


def nodding(motion: list[Array], wave: Array = WAVE) -> float:
    return echoed(controls(as_pulse(wave, FPS), skin=wave, motion=motion), wave)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_head_that_nods_in_time_is_an_echo(axis: int) -> None:
    still = 0 * WAVE
    nods = 0.01 * WAVE + 0.0005 * NOISE
    assert nodding([nods, still] if axis == 0 else [still, nods]) > 0.9
    assert nodding([np.roll(nods, 7), still]) > 0.9


def test_a_hearts_recoil_is_too_small_to_count() -> None:
    assert nodding([0.0015 * WAVE, 0.001 * WAVE]) < 0.35


def test_a_head_that_moves_otherwise_is_no_echo() -> None:
    assert nodding([0.02 * pulse_wave(100, SECONDS, FPS), 0.1 * np.cumsum(NOISE) / FPS]) < 0.3
    assert nodding([0.01 * NOISE, np.linspace(0, 1, len(WAVE))]) < 0.3


@pytest.mark.parametrize("seconds", [8.0, 10.0, 20.0])
def test_a_head_that_nods_is_told_in_a_short_video(seconds: float) -> None:
    for seed in range(10):
        wave = pulse_wave(BPM, seconds, FPS, variability=0.02, seed=seed)
        nods = 0.01 * (wave + 0.2 * noise(len(wave), seed))
        assert nodding([0 * wave, nods], wave + 0.3 * noise(len(wave), 100 + seed)) > 0.55


def test_a_face_that_turns_past_the_light_dims_twice() -> None:
    turns = 0.015 * np.sin(np.pi * BPM / 60 * np.arange(SECONDS * FPS) / FPS)
    dims = turns**2 / turns.max() ** 2 + 0.2 * NOISE
    assert nodding([turns + 0.0005 * NOISE, 0 * turns], dims) > 0.6


@pytest.mark.parametrize("seconds", [4.0, 5.0, 8.0, 12.0, 20.0])
@pytest.mark.parametrize("slope", [2.0, 3.0])
def test_a_head_that_sways_is_seldom_in_step_by_chance(seconds: float, slope: float) -> None:
    told = []
    for seed in range(40):
        bpm = 50.0 + 2 * seed
        wave = pulse_wave(bpm, seconds, FPS, variability=0.03, seed=seed)
        sway = [0.05 * coloured_noise(len(wave), slope, seed=100 * axis + seed) for axis in (1, 2)]
        seen = wave + 0.5 * noise(len(wave), seed)
        told.append(echoed(controls(as_pulse(seen, FPS), skin=seen, motion=sway), seen, bpm=bpm))
    assert np.mean(np.array(told) > 0.5) <= 0.05


def test_a_wave_of_the_key_frames_is_their_echo() -> None:
    sawtooth = -((np.arange(len(WAVE)) / FPS * 1.2) % 1.0) + 0.1 * NOISE
    known = controls(as_pulse(WAVE, FPS), key_times_s=keys(72))
    assert echoed(known, sawtooth) > 0.9
    assert echoed(known, np.roll(sawtooth, 7)) > 0.9


def test_a_heart_does_not_keep_step_with_key_frames() -> None:
    wandering = pulse_wave(75, 30, FPS, variability=0.03)
    assert echoed(controls(as_pulse(wandering, FPS), key_times_s=keys(72, 30)), wandering, bpm=75) < 0.4


@pytest.mark.parametrize("seconds", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("multiple", [1, 2])
def test_key_frames_reach_a_beat_or_two(seconds: float, multiple: int) -> None:
    for off_bpm, is_told in ((-3, True), (0, False), (3, True)):
        bpm = 60.0 * multiple + off_bpm
        wave = pulse_wave(bpm, seconds, FPS, seed=1)
        known = controls(as_pulse(wave, FPS), key_times_s=keys(60, seconds))
        assert (echoed(known, wave, bpm=bpm) < 0.4) == is_told


@pytest.mark.parametrize("key_bpm", [12.0, 24.0, 150.0])
def test_key_frames_at_another_rate_say_nothing(key_bpm: float) -> None:
    assert echoed(controls(as_pulse(WAVE, FPS), key_times_s=keys(key_bpm))) < 0.1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_key_frames_say_nothing(count: int) -> None:
    assert echoed(controls(as_pulse(WAVE, FPS), key_times_s=keys(72)[:count])) == 0.0


def test_times_are_heeded() -> None:
    rng = np.random.default_rng(0)
    gaps = rng.uniform(0.7, 0.95, 60)  # an encoder that ends a group where it likes
    at = np.cumsum(gaps)
    wave = np.zeros(2000)
    wave[np.round(at * FPS).astype(int)] = 1
    piece, start_s = wave[300:900], 300 / FPS
    late = Controls(as_pulse(piece, FPS), as_pulse(piece, FPS), (), (), (), at)
    assert echoed(late, piece, start_s) > 0.9
    assert echoed(late, piece, start_s + 7.0) < 0.8 * echoed(late, piece, start_s)


def test_two_hours_take_little_memory() -> None:
    wave = np.tile(WAVE, round(7200 / SECONDS))
    spectra = power_spectra(wave, FPS)
    seen = {"places": [wave] * 16, "motion": [wave] * 2}
    known = controls(as_pulse(wave, FPS), skin=wave, around=wave, key_times_s=keys(72, 7200), **seen)
    tracemalloc.start()
    echoed_all = echo(known, wave, 0.0, spectra, np.full(len(spectra.power), BPM / 60))
    assert in_colour(known, wave, 0.0, spectra, np.full(len(spectra.power), BPM / 60)).due > 10
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert echoed_all == pytest.approx(1.0)
    assert peak < 4 * spectra.power.nbytes


def test_the_later_part_keeps_its_times() -> None:
    known = controls(as_pulse(WAVE, FPS), skin=WAVE, around=WAVE, places=[WAVE, NOISE], motion=[WAVE, NOISE]).since(4.0)
    waves = (known.chrominance, known.skin, *known.around, *known.places, *known.motion)
    assert len(waves) == 7
    assert {len(p.samples) for p in waves} == {len(WAVE) - 120}
    assert {p.start_s for p in waves} == {4.0}
    assert echoed(known, WAVE[120:], 4.0) == pytest.approx(1.0)
