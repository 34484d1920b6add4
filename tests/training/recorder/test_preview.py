import io
from collections import deque

import pytest

from training.recorder.preview import Preview, binned, counts, warning
from training.recorder.recording import Moment, Tally

GOOD = {
    "time_s": 83.2,
    "frame_s": 83.19,
    "fps": 30.0,
    "frames": 2490,
    "dropped": 3,
    "camera_here": True,
    "sensor_here": True,
}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def moment(wave: list[tuple[float, int]] | None = None, **changes: float) -> Moment:
    tally = Tally(**{**GOOD, **changes}, samples=8301, lost=2, damaged=1)  # type: ignore[arg-type]
    return Moment(tally, deque([(75 + i / 100, 500 + i % 80) for i in range(820)] if wave is None else wave))


def test_the_counts_are_said() -> None:
    assert counts(moment().tally) == "01:23  30.0 fps, 2490 frames, 3 dropped; 8301 samples, 2 lost, 1 lines damaged"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"camera_here": False}, "the camera is unplugged"),
        ({"wave": [], "sensor_here": False}, "the sensor is unplugged"),
        ({"time_s": 85.0, "frame_s": 84.9}, "no samples come"),
        ({"frame_s": 81.0}, "no pictures of the first one's size come"),
        ({"wave": []}, "no samples come"),
        ({"fps": 15.0}, "less than 25 fps: more light, or a smaller picture"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, float], said: str) -> None:
    assert warning(moment(**changes)) == said  # type: ignore[arg-type]


def test_a_terminal_shows_the_wave_and_the_counts() -> None:
    out = Terminal()
    Preview(out).show(moment(camera_here=False))
    first, *wave, last = out.getvalue().splitlines()
    assert "2490 frames" in first
    assert any("█" in row for row in wave)
    assert "the camera is unplugged" in last


def test_what_is_no_terminal_gets_a_line() -> None:
    out = io.StringIO()
    Preview(out).show(moment(sensor_here=False, wave=[]))
    assert out.getvalue() == counts(moment().tally) + "  the sensor is unplugged\n"


def test_a_gap_in_the_samples_is_a_gap_in_the_wave() -> None:
    bins = binned([(90.01, 5), (90.06, 6), (99.99, 7), (80.0, 1)], 100.0)
    assert (bins[0], bins[1], bins[-1]) == (5, 6, 7)
    assert len([value for value in bins if value is not None]) == 3
