from pathlib import Path

import numpy as np
import pytest

from service.pipeline.decode import VideoReader
from service.pipeline.images import BatchReader, ImageFiles
from service.pipeline.types import Clip
from training.datasets.errors import FileMalformed
from training.datasets.recording import Recording, Series, Trace, pulse_trace

PATH = Path("sensor.txt")


def clip(start_s: float, frames: int = 60, fps: float = 30.0) -> Clip:
    return Clip(np.zeros((frames, 3, 2, 2), np.float32), np.ones(frames, np.bool_), start_s, fps)


def wave(rate_hz: float = 100.0, stop_s: float = 10.0, bpm: float = 72.0) -> tuple[Series, Series]:
    times = np.arange(0, stop_s, 1 / rate_hz)
    return times, np.sin(2 * np.pi * bpm / 60 * times)


@pytest.mark.parametrize("rate_hz", [25.0, 62.0, 256.0])
def test_the_pulse_is_taken_at_the_crops_times_whatever_its_own_rate(rate_hz: float) -> None:
    times = 0.5 + np.arange(60) / 30
    found = pulse_trace(*wave(rate_hz), PATH).at(clip(0.5))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.sin(2 * np.pi * 1.2 * times), atol=0.02)


def test_samples_that_fail_shift_nothing() -> None:
    times, values = wave()
    kept = np.arange(len(times)) % 100 > 5
    whole, holed = (pulse_trace(t, v, PATH) for t, v in ((times, values), (times[kept], values[kept])))
    np.testing.assert_allclose(holed.at(clip(2.0)), whole.at(clip(2.0)), atol=0.06)


def test_of_samples_with_one_time_the_first_counts() -> None:
    trace = Trace.of([0.0, 1.0, 1.0, 2.0], [1, 2, 9, 3], PATH)
    assert (trace.times_s.tolist(), trace.values.tolist()) == ([0, 1, 2], [1, 2, 3])


@pytest.mark.parametrize(
    ("times_s", "values", "said"),
    [
        ([0, 1, 2], [1, 2], "shape"),
        ([], [], "fewer than two"),
        ([0, 1, 2], [1, float("nan"), 2], "not finite"),
        ([0, float("inf"), 2], [1, 1, 2], "not finite"),
        ([0, 2, 1], [1, 2, 3], "backwards at sample 2: 1 s"),
        ([0, 0, 0, 0, 1], [1, 2, 3, 4, 5], "most samples have the time"),
    ],
)
def test_what_no_sensor_says_is_refused_by_the_files_name(times_s: Series, values: Series, said: str) -> None:
    with pytest.raises(FileMalformed, match=f"sensor.txt: .*{said}") as caught:
        Trace.of(times_s, values, PATH)
    assert caught.value.path == PATH


@pytest.mark.parametrize(
    ("times_s", "values", "said"),
    [(*wave(rate_hz=5.0), "5 samples of the pulse per second"), (np.arange(100) / 30, np.ones(100), "flat line")],
)
def test_what_is_no_pulse_is_refused(times_s: Series, values: Series, said: str) -> None:
    with pytest.raises(FileMalformed, match=said):
        pulse_trace(times_s, values, PATH)


@pytest.mark.parametrize(
    ("start_s", "covered"), [(0.0, True), (-0.2, True), (-0.5, False), (8.0, True), (8.3, False), (20.0, False)]
)
def test_a_clip_must_lie_within_the_sensors_time(start_s: float, covered: bool) -> None:
    assert pulse_trace(*wave(), PATH).covers(clip(start_s)) is covered


@pytest.mark.parametrize(("start_s", "covered"), [(0.5, True), (2.0, False), (4.6, False), (5.6, True)])
def test_a_clip_must_have_no_gap_of_the_sensor(start_s: float, covered: bool) -> None:
    times, values = wave()
    kept = (times < 3) | (times > 5.5)
    assert pulse_trace(times[kept], values[kept], PATH).covers(clip(start_s)) is covered


def test_a_sensor_that_stands_still_has_lost_the_finger() -> None:
    times, values = wave()
    held = pulse_trace(times, np.where((times > 4) & (times < 7), 0.3, values), PATH)
    assert [held.covers(clip(start_s)) for start_s in (1.0, 3.0, 4.5, 7.2)] == [True, False, False, True]


def test_the_rate_is_that_of_the_pulse() -> None:
    fast, slow = wave(bpm=120), wave(bpm=60)
    trace = pulse_trace(np.concatenate([fast[0], slow[0] + 10]), np.concatenate([fast[1], slow[1]]), PATH)
    assert trace.bpm(0, 10) == pytest.approx(120, abs=0.5)
    assert trace.bpm(10, 20) == pytest.approx(60, abs=0.5)
    assert pulse_trace(*slow, PATH).bpm() == pytest.approx(60, abs=0.5)


def test_a_recording_opens_what_it_is_made_of() -> None:
    pulse = pulse_trace(*wave(), PATH)
    filmed = Recording("own", "ann", "ann/1", Path("video.mp4"), pulse, "")
    drawn = Recording("pure", "01", "01-01", ImageFiles((Path("a.png"),), (0.0,)), pulse, "")
    assert isinstance(filmed.open(), VideoReader)
    assert isinstance(drawn.open(), BatchReader)
    assert (filmed.person, drawn.person) == ("own/ann", "pure/01")
