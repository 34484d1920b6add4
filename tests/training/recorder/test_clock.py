import numpy as np
import pytest

from training.datasets.recording import Series
from training.recorder.clock import SETTLED_S, DeviceClock

RATE_HZ = 100
MINUTES = 12.0


def arrivals(taken_s: Series, rng: np.random.Generator, delay_s: float) -> Series:
    """Return when lines come, in their order: late by up to delay_s, and now and then all wait."""
    came_s = taken_s + rng.uniform(0, delay_s, len(taken_s))
    for stall in rng.uniform(0, taken_s[-1], 40):
        waiting = (came_s > stall) & (came_s < stall + 0.8)
        came_s[waiting] = stall + 0.8
    return np.maximum.accumulate(came_s)


def errors_s(device_s: Series, taken_s: Series, came_s: Series) -> Series:
    """Return how far off each moment is told: as soon as the clock has settled, and from then on at once."""
    clock, held, errors = DeviceClock(), [], []
    for device, taken, came in zip(device_s, taken_s, came_s, strict=True):
        clock.add(device, came)
        held.append((device, taken))
        if clock.settled:
            errors += [clock.host_s(device) - taken for device, taken in held]
            held = []
    assert not held
    return np.array(errors)


@pytest.mark.parametrize(("drift", "seed"), [(100e-6, 0), (-100e-6, 3), (5e-3, 1)])
def test_twelve_minutes_of_late_lines_are_placed_within_20_ms(drift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    device_s = 7.0 + np.arange(MINUTES * 60 * RATE_HZ) / RATE_HZ
    taken_s = 5000.0 + device_s * (1 + drift)
    errors = errors_s(device_s, taken_s, arrivals(taken_s, rng, 0.04))
    assert len(errors) == len(device_s)
    assert abs(errors).max() < 0.02
    assert abs(np.median(errors)) < 0.004


def test_a_rate_that_wanders_is_followed() -> None:
    rng = np.random.default_rng(0)
    device_s = np.arange(MINUTES * 60 * RATE_HZ) / RATE_HZ
    drift = 100e-6 * np.sin(2 * np.pi * device_s / 600)  # warm, then cool
    taken_s = 5000.0 + device_s + np.cumsum(drift) / RATE_HZ
    errors = errors_s(device_s, taken_s, arrivals(taken_s, rng, 0.04))
    assert abs(errors).max() < 0.02


def test_half_of_the_samples_lost_are_no_harm() -> None:
    rng = np.random.default_rng(0)
    device_s = np.arange(0, 120, 1 / RATE_HZ)
    taken_s, kept = 5000.0 + device_s * 1.0001, rng.random(len(device_s)) < 0.5
    came_s = arrivals(taken_s, rng, 0.04)
    assert abs(errors_s(device_s[kept], taken_s[kept], came_s[kept])).max() < 0.02


def test_lines_without_delay_are_placed_exactly() -> None:
    device_s = np.arange(0, 90, 1 / RATE_HZ)
    taken_s = 10.0 + device_s * 1.0003
    assert abs(errors_s(device_s, taken_s, taken_s)).max() < 1e-6


def test_it_takes_a_while_to_settle() -> None:
    clock = DeviceClock()
    assert not clock.settled
    for device_s in np.arange(0, SETTLED_S - 0.1, 0.01):
        clock.add(device_s, device_s + 100)
    assert not clock.settled
    for device_s in np.arange(SETTLED_S, SETTLED_S + 0.5, 0.01):
        clock.add(device_s, device_s + 100)
    assert clock.settled


def test_two_samples_with_a_gap_are_not_enough() -> None:
    clock = DeviceClock()
    clock.add(0.0, 100.0)
    clock.add(9.0, 109.0)
    assert not clock.settled
