import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests.training.recorder.board import Faults, PtyBoard
from training.recorder.sensor import Sensor
from training.recorder.stream import Sample

FAULTS = Faults(drift=3e-3, delay_s=0.02, lost=0.02, damaged=0.01, repeated=0.01)


def wave(time_s: float) -> float:
    return 500 + 100 * math.sin(2 * math.pi * 1.2 * time_s)


@contextmanager
def reading(sensor: Sensor) -> Iterator[None]:
    stop = Event()
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(sensor.run, stop)
        try:
            yield
        finally:
            stop.set()
        done.result()


def take(sensor: Sensor, count: int) -> list[Sample]:
    return [sensor.samples.get(timeout=60) for _ in range(count)]


def wait_until_gone(sensor: Sensor) -> None:
    while sensor.connected:
        time.sleep(0.01)


def test_samples_are_placed_within_20_ms(tmp_path: Path) -> None:
    sensor = Sensor(str(tmp_path / "ttyACM0"))
    with PtyBoard(tmp_path / "ttyACM0", wave, FAULTS) as board, reading(sensor):
        samples = take(sensor, 600)
        true_s = board.true_s(np.array([sample.board_us for sample in samples]))
    assert np.array([sample.time_s for sample in samples]) == pytest.approx(true_s, abs=0.02)
    assert [sample.value for sample in samples] == pytest.approx([wave(time_s) for time_s in true_s], abs=1)
    assert sensor.counts.lost + sensor.counts.damaged > 0
    assert sensor.counts.repeated <= board.sent.repeated


def test_an_unplugged_board_is_read_again(tmp_path: Path) -> None:
    sensor = Sensor(str(tmp_path / "ttyACM0"))
    with PtyBoard(tmp_path / "ttyACM0", wave, FAULTS) as board, reading(sensor):
        take(sensor, 250)
        with board.unplugged():
            wait_until_gone(sensor)
            before = take(sensor, sensor.samples.qsize())
        after = take(sensor, 250)
        true_s = board.true_s(np.array([sample.board_us for sample in after]), plugged=1)
    assert sensor.unplugged == 1
    assert np.array([sample.time_s for sample in after]) == pytest.approx(true_s, abs=0.02)
    assert not before or before[-1].time_s < after[0].time_s


def test_a_board_that_comes_later_is_found(tmp_path: Path) -> None:
    sensor = Sensor(str(tmp_path / "ttyACM0"))
    with reading(sensor):
        time.sleep(0.1)
        assert not sensor.connected
        with PtyBoard(tmp_path / "ttyACM0", wave):
            take(sensor, 1)
            assert sensor.connected
    assert sensor.counts.good > 0


def test_a_sensor_whose_value_falls_with_blood_is_turned_round(tmp_path: Path) -> None:
    sensor = Sensor(str(tmp_path / "ttyACM0"), falls=True)
    with PtyBoard(tmp_path / "ttyACM0", lambda _: 500), reading(sensor):
        assert take(sensor, 1)[0].value == -500


def test_two_recorders_do_not_share_a_board(tmp_path: Path) -> None:
    first, second = (Sensor(str(tmp_path / "ttyACM0")) for _ in range(2))
    with PtyBoard(tmp_path / "ttyACM0", wave), reading(first):
        take(first, 1)
        with reading(second):
            time.sleep(0.1)
            assert not second.connected
