"""Traits of clips whose noise, motion, pulse and SNR are known, because they were put there."""

import numpy as np
import pytest

from service.pipeline.types import Clip, Pulse
from training.metrics import Array
from training.traits import SLOW_HZ, agreed_bpm, band_size, power_density, pulse_figures, snr_figures, traits_of

FPS = 30.0
FRAMES = 600
T = np.arange(FRAMES) / FPS
BPM = 72.0
PULSE = np.sin(2 * np.pi * BPM / 60 * T)
COLOUR = np.array([0.6, 0.4, 0.3])
PULSE_RGB = np.array([0.4, 1.0, 0.7])  # percent, half of peak to peak


def clip_of(log_percent: Array, comparable: "np.ndarray[tuple[int], np.dtype[np.bool_]] | None" = None) -> Clip:
    """Return a clip of a face of one colour; log_percent: (T, 3, 36, 36) or what broadcasts to it."""
    rgb = COLOUR[:, None, None] * np.exp(np.broadcast_to(log_percent, (FRAMES, 3, 36, 36)) / 100)
    return Clip(rgb.astype(np.float32), np.ones(FRAMES, bool) if comparable is None else comparable, 0.0, FPS)


def everywhere(curves: Array) -> Array:
    """Return curves (T, 3) as a change that the whole picture has in common."""
    return curves[:, :, None, None]


def noise(size: float, *shape: int) -> Array:
    return np.random.default_rng(1).normal(0, size, shape)


def beating(noise_size: float = 0.02) -> Clip:
    """Return a face that darkens with PULSE, under noise of the whole face's colour of its own in each channel."""
    return clip_of(everywhere(-PULSE[:, None] * PULSE_RGB + noise(noise_size, FRAMES, 3)))


def test_noise_is_that_of_each_channels_pixels() -> None:
    sizes = np.array([0.5, 1.0, 2.0])
    figures = traits_of(clip_of(noise(1.0, FRAMES, 3, 36, 36) * sizes[:, None, None])).figures
    above_6_hz = np.sqrt((15 - 6) / 15)  # of white noise sampled at 30 Hz
    found = [figures[f"noise in {name}, %"] for name in ("red", "green", "blue")]
    assert found == pytest.approx(sizes * above_6_hz, rel=0.05)
    assert figures["noise, blue over green"] == pytest.approx(2.0, rel=0.05)


def test_light_common_to_all_pixels_is_no_noise_above_6_hz() -> None:
    slow = np.sin(2 * np.pi * 0.4 * T)[:, None] * np.ones(3)
    figures = traits_of(clip_of(everywhere(3 * slow))).figures
    assert figures["noise in green, %"] < 0.01
    assert figures["mean green slowly, %"] == pytest.approx(3 / np.sqrt(2), rel=0.15)  # trends of 5 s are taken off
    assert figures["mean blue over green in the band, %"] < 0.01


@pytest.mark.parametrize(("rate_hz", "slow", "fast"), [(0.4, 1.0, 0.0), (2.0, 0.0, 1.0)])
def test_motion_is_told_by_its_band(rate_hz: float, slow: float, fast: float) -> None:
    signs = np.where(np.indices((12, 12)).sum(0) % 2, 1.0, -1.0).repeat(3, 0).repeat(3, 1)  # the mean stays
    figures = traits_of(clip_of(np.sin(2 * np.pi * rate_hz * T)[:, None, None, None] * signs)).figures
    size = np.sqrt(0.5)
    assert figures["slow motion, %"] == pytest.approx(slow * size, abs=0.1)
    assert figures["motion in the band, %"] == pytest.approx(fast * size, abs=0.1)
    assert figures["mean green in the band, %"] < 0.1


def test_a_coarse_stir_of_blue_alone_is_seen_in_its_ratio_to_green() -> None:
    stir = np.sin(2 * np.pi * 1.5 * T)[:, None] * np.array([0.0, 0.0, 1.0])
    figures = traits_of(clip_of(everywhere(stir))).figures
    assert figures["mean blue over green in the band, %"] == pytest.approx(np.sqrt(0.5), rel=0.05)
    assert figures["mean red over green in the band, %"] < 0.01


def test_the_colour_of_the_face() -> None:
    figures = traits_of(clip_of(np.zeros((1, 1, 1, 1)))).figures
    names = ("level of green", "red over green", "blue over green", "red x blue over green^2")
    assert [figures[name] for name in names] == pytest.approx([0.4, 1.5, 0.75, 1.125], rel=1e-3)


def test_the_true_wave_gives_the_pulse_its_size_and_colour() -> None:
    found = traits_of(beating(0.5), BPM, PULSE.astype(np.float32)).true_figures
    assert found["pulse in green, %"] == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert found["pulse, red over green"] == pytest.approx(0.4, abs=0.06)
    assert found["pulse, blue over green"] == pytest.approx(0.7, abs=0.06)


def test_without_truth_pos_gives_the_pulse_where_green_agrees() -> None:
    traits = traits_of(beating())
    assert traits.true_figures == {}
    assert traits.figures["pulse in green, %"] == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert traits.figures["pulse, red over green"] == pytest.approx(0.4, abs=0.05)
    assert traits.figures["pulse, blue over green"] == pytest.approx(0.7, abs=0.05)


def test_nothing_is_said_of_a_pulse_on_which_green_and_pos_disagree() -> None:
    common = 3 * np.sin(2 * np.pi * 2.5 * T)[:, None]  # POS does not see what all colours share
    figures = traits_of(clip_of(everywhere(common - PULSE[:, None] * PULSE_RGB))).figures
    assert not [name for name in figures if name.startswith(("pulse", "SNR"))]


def test_a_wave_against_the_pulse_gives_none() -> None:
    colours = COLOUR * np.exp(-PULSE[:, None] * PULSE_RGB / 100)
    assert pulse_figures(colours, -PULSE.astype(np.float32), FPS, BPM) == {}


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_the_snr_is_that_of_the_line_over_the_rest_of_the_band(ratio: float) -> None:
    density = 0.5 / ratio / (4.0 - 0.7 - 0.4)  # per Hz: noise beside the two lines, 0.2 Hz each
    long = np.arange(120 * FPS) / FPS
    wave = np.sin(2 * np.pi * BPM / 60 * long) + noise(np.sqrt(density * FPS / 2), len(long))
    found = snr_figures({"green": pulse_of(wave)}, BPM)["SNR of GREEN, dB"]
    in_lines = 0.4 * density
    assert found == pytest.approx(10 * np.log10((0.5 + in_lines) / (0.5 / ratio)), abs=1.0)


def test_waves_agree_within_5_bpm() -> None:
    near, far = (pulse_of(np.sin(2 * np.pi * bpm / 60 * T)) for bpm in (BPM + 4, BPM + 8))
    first = pulse_of(PULSE)
    assert agreed_bpm({"green": first, "pos": near}) == pytest.approx(BPM + 2, abs=0.5)
    assert agreed_bpm({"green": first, "pos": far}) is None


def pulse_of(wave: Array) -> Pulse:
    return Pulse(wave.astype(np.float32), np.ones(len(wave), bool), 0.0, FPS, "wave")


def test_a_move_of_the_crop_is_no_change_of_the_face() -> None:
    moved = np.where(np.arange(FRAMES) >= 300, 30.0, 0.0)[:, None, None, None]
    still = np.random.default_rng(2).normal(0, 0.1, (FRAMES, 3, 36, 36))
    figures = traits_of(clip_of(moved + still, np.arange(FRAMES) != 300)).figures
    unmoved = traits_of(clip_of(still)).figures
    for name in ("noise in green, %", "slow motion, %", "mean green in the band, %"):
        assert figures[name] == pytest.approx(unmoved[name], abs=0.01)  # of a step of 30


def test_the_power_of_a_band_is_the_variance_of_what_lies_in_it() -> None:
    traces = np.exp(np.column_stack([np.sin(2 * np.pi * 0.4 * T), np.sin(2 * np.pi * 3 * T)]) / 100)
    assert band_size(*power_density(traces, FPS), SLOW_HZ) == pytest.approx([np.sqrt(0.5), 0], abs=0.1)
