import tracemalloc

import numpy as np
import pytest

from service.pipeline.answers import HeartRate
from service.pipeline.pulse import MIN_SPAN_S, heart_rate
from service.pipeline.types import Pulse, SampleKind
from tests.service.pipeline.signals import Array, as_pulse, coloured_noise, pulse_wave, times

KINDS: tuple[SampleKind, ...] = ("wave", "derivative")


def sine(bpm: float, duration_s: float, fps: float, phase: float = 0.0) -> Array:
    return np.asarray(np.sin(2 * np.pi * bpm / 60 * times(duration_s, fps) + phase))


@pytest.mark.parametrize("fps", [15.0, 20.0, 24.0, 29.97, 50.0, 60.0])
@pytest.mark.parametrize("kind", KINDS)
def test_clean_sines_are_found_to_a_third_of_a_beat(fps: float, kind: SampleKind) -> None:
    for bpm in (42, 43.3, 48, 60.7, 77.7, 100, 131, 180, 222, 239.1, 240):
        for duration_s, phase in ((10, 0.3), (10, 1.8), (17.5, 0.0)):
            wave = sine(bpm, duration_s, fps, phase)
            result = heart_rate(as_pulse(np.diff(wave) if kind == "derivative" else wave, fps, kind))
            assert abs(result.bpm - bpm) < 0.3, (bpm, duration_s, phase)
            assert result.status == "ok"


@pytest.mark.parametrize("power_ratio", [0.3, 1.0, 1.2, 2.0, 3.0])
@pytest.mark.parametrize("bpm", [48, 60, 90, 110])
def test_a_strong_second_harmonic_does_not_double(bpm: float, power_ratio: float) -> None:
    wave = pulse_wave(bpm, 15, 30, second=power_ratio**0.5) + 0.3 * coloured_noise(450, 0, seed=int(bpm))
    assert abs(heart_rate(as_pulse(wave, 30)).bpm - bpm) < 1


@pytest.mark.parametrize("seed", range(10))
def test_a_lone_sine_in_noise_is_not_halved(seed: int) -> None:
    wave = sine(96, 15, 30) + 0.8 * coloured_noise(450, 0, seed=seed)
    assert abs(heart_rate(as_pulse(wave, 30)).bpm - 96) < 1


def test_the_rate_follows_the_pulse() -> None:
    t = times(60, 30)
    phase = 2 * np.pi * np.cumsum(1.0 + 0.5 * t / 60) / 30  # 60 to 90 bpm
    result = heart_rate(as_pulse(np.sin(phase), 30))
    middle_s = np.array([(window.start_s + window.end_s) / 2 for window in result.windows])
    assert np.abs([w.bpm for w in result.windows] - 60 * (1 + 0.5 * middle_s / 60)).max() < 0.5


def test_a_burst_does_not_pull_the_rate() -> None:
    wave = sine(66, 60, 30)
    wave[600:720] += 3 * sine(150, 4, 30)
    result = heart_rate(as_pulse(wave, 30))
    assert abs(result.bpm - 66) < 0.5
    assert not all(window.passed for window in result.windows)


@pytest.mark.parametrize("bpm", [54, 72, 105, 150])
def test_what_is_stronger_for_eight_seconds_does_not_lead_astray(bpm: float) -> None:
    wave = pulse_wave(bpm, 60, 30, second=0.3) + 0.3 * coloured_noise(1800, 0, seed=1)
    wave[600:840] += 1.5 * sine(bpm * 1.4, 8, 30)
    result = heart_rate(as_pulse(wave, 30))
    assert np.abs([window.bpm - bpm for window in result.windows]).max() < 1


def noisy_minute(rate_bpm: Array, seed: int) -> tuple[HeartRate, Array]:
    """Return what is said of a heart of rate_bpm (1800,) in noise half its size, and the windows' true mean rates."""
    turns = np.cumsum(rate_bpm) / 60 / 30
    wave = np.sin(2 * np.pi * turns) + 0.3 * np.sin(4 * np.pi * turns + 1) + 0.5 * coloured_noise(1800, 1, seed=seed)
    result = heart_rate(as_pulse(wave, 30))
    starts = np.round([window.start_s * 30 for window in result.windows]).astype(int)
    ends = np.minimum(starts + 300, 1799)
    return result, 60 * 30 * (turns[ends] - turns[starts]) / (ends - starts)


@pytest.mark.parametrize("seed", range(3))
def test_a_heart_that_races_for_fifteen_seconds_is_followed(seed: int) -> None:
    rising, falling = np.linspace(80, 160, 450), 80 + 80 * np.exp(-times(30, 30) / 20)
    result, true_bpm = noisy_minute(np.concatenate([np.full(450, 80.0), rising, falling]), seed)
    assert np.abs([window.bpm for window in result.windows] - true_bpm).max() < 6
    assert abs(result.bpm - true_bpm.mean()) < 5


@pytest.mark.parametrize("seed", range(3))
def test_a_heart_that_calms_down_is_followed(seed: int) -> None:
    result, true_bpm = noisy_minute(85 + 70 * np.exp(-times(60, 30) / 25), seed)
    assert np.abs([window.bpm for window in result.windows] - true_bpm).max() < 2


@pytest.mark.parametrize(("before", "after"), [(150.0, 75.0), (75.0, 150.0), (70.0, 110.0)])
def test_a_heart_that_jumps_is_followed(before: float, after: float) -> None:
    result, true_bpm = noisy_minute(np.repeat([before, after], [1260, 540]), seed=4)
    whole = [window.start_s >= 42.2 or window.end_s <= 42 for window in result.windows]
    assert sum(whole) >= 40
    assert np.abs([window.bpm for window in result.windows] - true_bpm)[whole].max() < 2


def test_what_a_burst_of_motion_hides_does_not_move_the_rate() -> None:
    of_all, said = [], []
    for seed in range(4):
        wave = pulse_wave(70, 60, 30, variability=0.05)
        wave[800:1200] += 10 * coloured_noise(400, 0, seed=seed)
        result = heart_rate(as_pulse(wave, 30))
        assert result.status == "ok"
        assert 25 < sum(window.passed for window in result.windows) < len(result.windows)
        of_all.append(np.mean([window.bpm for window in result.windows]))
        said.append(result.bpm)
    assert max(of_all) > 75
    np.testing.assert_allclose(said, 70, atol=1)


def test_a_heart_that_races_and_calms_has_the_mean_over_its_time() -> None:
    t = times(60, 30)
    bpm = np.interp(t, [0, 15, 30], [80, 80, 160]) - np.where(t > 30, 80 * (1 - np.exp((30 - t) / 20)), 0)
    turns = np.cumsum(bpm) / 60 / 30
    wave = np.sin(2 * np.pi * turns) + 0.3 * np.sin(4 * np.pi * turns + 1)
    result = heart_rate(as_pulse(wave + 0.5 * coloured_noise(len(wave), 1, seed=0), 30))
    assert result.status == "ok"
    assert abs(np.mean([window.bpm for window in result.windows]) - bpm.mean()) > 3
    assert result.bpm == pytest.approx(bpm.mean(), abs=0.5)


def test_too_few_windows_make_low_quality_and_all_of_them_count() -> None:
    wave = sine(70, 40, 30)
    wave[300:] = 5 * coloured_noise(900, 0, seed=3)
    result = heart_rate(as_pulse(wave, 30))
    assert result.status == "low_quality"
    assert np.mean([window.bpm for window in result.windows if window.passed]) < 75
    assert result.bpm > 100


def test_windows_have_times_on_the_videos_clock() -> None:
    pulse = Pulse(sine(70, 12, 30).astype(np.float32), np.ones(360, bool), 3.5, 30.0, "wave")
    result = heart_rate(pulse)
    assert [(w.start_s, w.end_s) for w in result.windows] == [(3.5, 13.5), (4.5, 14.5), (5.5, 15.5)]
    assert (result.start_s, result.fps) == (3.5, 30.0)


@pytest.mark.parametrize("lag", [1, 3])
def test_a_wave_summed_up_from_changes_has_the_times_of_the_pulse(lag: int) -> None:
    wave = sine(72, 30, 30)
    changes = (wave[lag:] - wave[:-lag]).astype(np.float32)  # as the models give them: midway between two frames
    result = heart_rate(Pulse(changes, np.ones(len(changes), bool), lag / 60, 30.0, "derivative"))
    seconds = result.start_s + np.arange(len(result.bvp)) / 30
    truth = np.sin(2 * np.pi * 1.2 * seconds)
    assert np.corrcoef(result.bvp[150:-150], truth[150:-150])[0, 1] > 0.9999  # half a frame off gives 0.992


@pytest.mark.parametrize("kind", KINDS)
def test_the_wave_is_normalised_and_in_phase(kind: SampleKind) -> None:
    wave = sine(72, 30, 30) + 0.1 * times(30, 30)
    result = heart_rate(as_pulse(np.diff(wave) if kind == "derivative" else wave[1:], 30, kind))
    assert result.bvp.dtype == np.float32
    assert result.bvp.mean() == pytest.approx(0, abs=1e-5)
    assert result.bvp.std() == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(result.bvp, wave[1:])[0, 1] > np.corrcoef(sine(72, 30, 30)[1:], wave[1:])[0, 1] - 0.02
    assert np.corrcoef(result.bvp, sine(72, 30, 30)[1:])[0, 1] > 0.99


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filler", [0.0, 1e6, np.nan, np.inf])
def test_invalid_samples_count_nothing(kind: SampleKind, filler: float) -> None:
    samples = np.diff(sine(66, 20, 30)) if kind == "derivative" else sine(66, 20, 30)
    valid = np.ones(len(samples), bool)
    valid[[50, 51, 200, 333]] = False
    samples[~valid] = filler
    result = heart_rate(as_pulse(samples, 30, kind, valid=valid))
    assert abs(result.bpm - 66) < 0.3
    assert result.confidence > 0.8


def test_samples_that_are_not_finite_are_invalid() -> None:
    wave = sine(66, 20, 30)
    wave[100:110] = np.nan
    assert heart_rate(as_pulse(wave, 30)).status == "ok"


def test_windows_with_too_few_valid_samples_fail() -> None:
    valid = np.ones(900, bool)
    valid[:450:2] = False
    result = heart_rate(as_pulse(sine(66, 30, 30), 30, valid=valid))
    assert [window.passed for window in result.windows] == [window.start_s >= 11 for window in result.windows]
    assert all(window.confidence == 0 for window in result.windows if not window.passed)


def test_confidence_is_no_more_than_the_share_that_was_seen() -> None:
    valid = np.ones(900, bool)
    valid[:600] = False
    result = heart_rate(as_pulse(sine(66, 30, 30), 30, valid=valid))
    assert result.confidence < 0.3
    assert result.status == "low_quality"


def check_finite(result: HeartRate) -> None:
    numbers = [result.bpm, result.confidence, result.snr_db]
    numbers += [value for w in result.windows for value in (w.start_s, w.end_s, w.bpm, w.snr_db, w.confidence)]
    assert np.isfinite(numbers).all()
    assert np.isfinite(result.bvp).all()
    assert 42 <= result.bpm <= 240


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 1.0, -3e4, 1e-30, 1e30, np.nan, np.inf])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 119, 121, 150, 299, 900])
def test_a_constant_gives_no_confidence(kind: SampleKind, value: float, count: int) -> None:
    result = heart_rate(as_pulse(np.full(count, value), 30, kind))
    check_finite(result)
    assert result.status == "low_quality"
    assert result.confidence < 0.01
    assert not result.bvp.any()
    assert len(result.bvp) == count


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_valid_gives_no_confidence(kind: SampleKind) -> None:
    result = heart_rate(as_pulse(sine(60, 20, 30), 30, kind, valid=np.zeros(600, bool)))
    check_finite(result)
    assert (result.status, result.confidence) == ("low_quality", 0)


@pytest.mark.parametrize("count", range(0, 160, 7))
def test_short_noise_is_low_quality(count: int) -> None:
    result = heart_rate(as_pulse(np.random.default_rng(count).standard_normal(count), 30))
    check_finite(result)
    assert result.status == "low_quality"
    assert bool(result.windows) == (count >= MIN_SPAN_S * 30)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scale_changes_nothing(scale: float) -> None:
    wave = pulse_wave(70, 20, 30) + coloured_noise(600, 0, seed=4)
    one, other = heart_rate(as_pulse(wave, 30)), heart_rate(as_pulse(wave * scale, 30))
    assert other.bpm == pytest.approx(one.bpm, abs=1e-3)
    assert other.confidence == pytest.approx(one.confidence, abs=1e-3)


def test_a_model_that_sees_changes_over_three_frames_gives_the_same_rate() -> None:
    wave = pulse_wave(83, 20, 30)
    assert abs(heart_rate(as_pulse(wave[3:] - wave[:-3], 30, "derivative")).bpm - 83) < 0.3


def test_the_same_samples_give_the_same_result() -> None:
    pulse = as_pulse(pulse_wave(70, 30, 30) + coloured_noise(900, 1, seed=5), 30)
    one, other = heart_rate(pulse), heart_rate(pulse)
    assert one.windows == other.windows
    assert (one.bpm, one.confidence, one.snr_db) == (other.bpm, other.confidence, other.snr_db)
    assert np.array_equal(one.bvp, other.bvp)


def test_the_samples_are_not_changed() -> None:
    pulse = as_pulse(np.diff(pulse_wave(70, 30, 30)), 30, "derivative")
    before = pulse.samples.copy()
    heart_rate(pulse)
    assert np.array_equal(pulse.samples, before)


def test_an_hour_is_measured_in_little_memory() -> None:
    pulse = as_pulse(pulse_wave(70, 3600, 30, variability=0.03) + coloured_noise(108_000, 1, seed=1), 30)
    tracemalloc.start()
    result = heart_rate(pulse)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 90e6
    assert len(result.windows) == 3591
    assert abs(result.bpm - 70) < 0.5
